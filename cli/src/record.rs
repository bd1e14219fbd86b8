//! The observer of a traced run: copies of every message, and what the program says of them.

use crate::problem::span;
use smpc_driver::position;
use smpc_grammar::Sources;
use smpc_interp::{Observer, Phase, Probed, Sent};
use smpc_ir::local::Source;
use smpc_ir::party::{Block, Op, Program, Step, Value};
use smpc_runtime::tensor::Tensor;
use smpc_trace::{Item, Line, Message, Part};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// Takes down every message.
pub struct Recorder {
    values: bool,
    seen: Mutex<Vec<Seen>>,
}

struct Seen {
    phase: Phase,
    round: u64,
    from: u8,
    to: u8,
    bytes: u64,
    /// Of each value its bytes, and its elements if they are wanted.
    parts: Vec<(Option<Value>, u64, Option<String>)>,
}

impl Recorder {
    /// Contents are taken down only if `values` says so.
    pub fn new(values: bool) -> Self {
        Self {
            values,
            seen: Mutex::new(vec![]),
        }
    }

    /// What messages are made of, and the messages.
    pub fn finish(&self, sources: &Sources, program: &Program) -> (Vec<Part>, Vec<Message>) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sends = HashMap::new();
        collect(&program.body, &mut sends);
        let mut parts: Vec<Part> = vec![];
        let mut known: HashMap<Part, usize> = HashMap::new();
        let mut by_value: HashMap<(Option<Value>, u8, u8), usize> = HashMap::new();
        let mut number = |key: (Option<Value>, u8, u8)| {
            *by_value.entry(key).or_insert_with(|| {
                let part = part(sources, program, &sends, key);
                *known.entry(part.clone()).or_insert_with(|| {
                    parts.push(part);
                    parts.len() - 1
                })
            })
        };
        let messages = seen.iter().map(|seen| {
            let mut items: Vec<Item> = vec![];
            for (value, bytes, values) in &seen.parts {
                let part = number((*value, seen.from, seen.to));
                // What is sent at one place is told once, its bytes together.
                match items.iter_mut().find(|item| item.part == part) {
                    Some(item) if values.is_none() => item.bytes += bytes,
                    _ => items.push(Item {
                        part,
                        bytes: *bytes,
                        values: values.clone(),
                    }),
                }
            }
            Message {
                phase: match seen.phase {
                    Phase::Setup => smpc_trace::Phase::Setup,
                    Phase::Offline => smpc_trace::Phase::Offline,
                    Phase::Online => smpc_trace::Phase::Online,
                },
                round: seen.round,
                from: seen.from.into(),
                to: seen.to.into(),
                bytes: seen.bytes,
                items,
            }
        });
        let messages = messages.collect();
        (parts, messages)
    }
}

impl Observer for Recorder {
    fn component(&self, _probe: &Probed<'_>) {}

    fn message(&self, sent: &Sent<'_>) {
        let mut parts: Vec<_> = sent
            .values
            .iter()
            .zip(sent.tensors)
            .map(|(value, tensor)| {
                let shown = self.values.then(|| elements(tensor));
                (Some(*value), tensor.wire_bytes() as u64, shown)
            })
            .collect();
        if sent.phase == Phase::Setup {
            let key = || {
                sent.bytes.iter().fold(String::from("0x"), |mut text, b| {
                    let _ = write!(text, "{b:02x}");
                    text
                })
            };
            parts.push((None, sent.bytes.len() as u64, self.values.then(key)));
        }
        let seen = Seen {
            phase: sent.phase,
            round: sent.round,
            from: sent.from,
            to: sent.to,
            bytes: sent.bytes.len() as u64,
            parts,
        };
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(seen);
    }
}

/// The elements of a tensor; the rest of a long one is counted.
fn elements(tensor: &Tensor) -> String {
    const MOST: usize = 16;
    let values = tensor.to_i128s();
    let shown: Vec<String> = values.iter().take(MOST).map(ToString::to_string).collect();
    let more = values.len().saturating_sub(MOST);
    let rest = if more > 0 {
        format!(", ... {more} more")
    } else {
        String::new()
    };
    if tensor.shape().is_empty() {
        shown.concat()
    } else {
        format!("[{}{rest}]", shown.join(", "))
    }
}

/// The steps that send a value.
type Sends<'p> = HashMap<Value, Vec<&'p Step>>;

fn collect<'p>(block: &'p Block, into: &mut Sends<'p>) {
    for step in &block.steps {
        match &step.op {
            Op::Send { .. } => {
                if let Some(value) = step.args.first() {
                    into.entry(*value).or_default().push(step);
                }
            }
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                collect(body, into);
            }
            Op::While {
                condition, body, ..
            } => {
                collect(condition, into);
                collect(body, into);
            }
            Op::Switch { arms } => arms.iter().for_each(|arm| collect(arm, into)),
            _ => {}
        }
    }
}

/// What the program says of a value that one party sends another.
fn part(
    sources: &Sources,
    program: &Program,
    sends: &Sends<'_>,
    (value, from, to): (Option<Value>, u8, u8),
) -> Part {
    let Some(value) = value else {
        return Part {
            what: "key of shared coins".into(),
            ..Part::default()
        };
    };
    let steps = sends.get(&value).map_or(&[][..], Vec::as_slice);
    let sent = steps.iter().find(|step| match &step.op {
        Op::Send { from: own, to: all } => own.0 == from && all.contains(smpc_ir::party::Party(to)),
        _ => false,
    });
    let Some(step) = sent else {
        return Part::default();
    };
    let call = step
        .origin
        .and_then(|origin| Some((origin, program.calls.get(origin.call as usize)?)));
    Part {
        line: line(sources, step.source),
        protocol: call.map(|(_, call)| call.name.clone()),
        what: match call {
            Some((origin, _)) => statement(sources, origin.source),
            // Without a protocol: the result of one goes to those who follow control, or learn it.
            None => "clear value".into(),
        },
    }
}

/// The line of the user's files at which a place is carried out.
pub fn line(sources: &Sources, source: Source) -> Option<Line> {
    let own = sources.way(span(source), source.call).place;
    let (file, number, _) = position(sources, own)?;
    let text = sources.get(own.file)?.text.lines().nth(number - 1)?;
    Some(Line {
        file,
        number,
        text: text.trim().to_owned(),
    })
}

/// The text of a statement, in one line.
fn statement(sources: &Sources, source: Source) -> String {
    const MOST: usize = 60;
    let own = span(source);
    let range = own.start as usize..own.end as usize;
    let text = sources
        .get(own.file)
        .and_then(|file| file.text.get(range))
        .unwrap_or("");
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let text = text.trim_end_matches(';').to_owned();
    if text.chars().count() <= MOST {
        return text;
    }
    text.chars().take(MOST - 3).collect::<String>() + "..."
}
