//! A recording as a table.

use crate::fold::{Node, Round, fold};
use crate::{Filter, Item, Line, Message, Part, Phase, Recording, counted, grouped};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One line of the table.
struct Row {
    when: String,
    who: String,
    bytes: String,
    what: String,
}

/// The recording for people: totals, then every exchange with its messages.
pub fn text(recording: &Recording, filter: &Filter) -> String {
    let mut out = String::new();
    let totals = recording.totals();
    let sum = |of: fn(&crate::Total) -> u64| totals.iter().map(of).sum::<u64>();
    let _ = write!(
        out,
        "{} under {}: {}, {}, {} bytes",
        recording.script,
        recording.scheme,
        counted(recording.rounds, "round"),
        counted(sum(|t| t.messages), "message"),
        grouped(sum(|t| t.bytes)),
    );
    for (bytes, phase) in [
        (sum(|t| t.offline_bytes), Phase::Offline),
        (sum(|t| t.setup_bytes), Phase::Setup),
    ] {
        if bytes > 0 {
            let _ = write!(out, ", {} bytes {}", grouped(bytes), phase.name());
        }
    }
    out.push('\n');
    let nodes = fold(recording, filter);
    let mut rows = vec![];
    for node in &nodes {
        add(recording, node, 0, None, &mut rows);
    }
    if !filter.is_all() {
        let count: u64 = nodes.iter().map(Node::rounds).sum();
        let _ = writeln!(out, "shown: {} of the run", counted(count, "exchange"));
    }
    if rows.is_empty() {
        out.push_str("no messages\n");
        return out;
    }
    let width = |of: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| of(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let (when, who) = (width(|r| &r.when), width(|r| &r.who));
    let bytes = width(|r| &r.bytes);
    out.push('\n');
    for row in &rows {
        let line = format!(
            "{:when$}  {:who$}  {:>bytes$}  {}",
            row.when, row.who, row.bytes, row.what
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// How a round is called: by its number in the run, or in the repetition it is told in.
pub(crate) fn round_name(round: &Round<'_>, start: Option<u64>) -> String {
    match (round.phase, start) {
        (Phase::Setup, _) => "set-up".into(),
        (Phase::Offline, None) => format!("offline {}", round.number + 1),
        (Phase::Online, None) => format!("round {}", round.number + 1),
        (_, Some(start)) => format!("+{}", round.number.saturating_sub(start) + 1),
    }
}

/// How a repetition is called: `rounds 3-302 ×100`. Its numbers are those of the run, or count
/// from the start of the repetition it is told in.
pub(crate) fn times_name(first: &Round<'_>, last: u64, times: u64, start: Option<u64>) -> String {
    let range = match (first.phase, start) {
        (Phase::Setup, _) => "set-up".into(),
        (Phase::Offline, None) => format!("offline {}-{}", first.number + 1, last + 1),
        (Phase::Online, None) => format!("rounds {}-{}", first.number + 1, last + 1),
        (_, Some(start)) => {
            let from = first.number.saturating_sub(start);
            format!("+{}-{}", from + 1, last.saturating_sub(start) + 1)
        }
    };
    format!("{range} ×{times}")
}

fn add(
    recording: &Recording,
    node: &Node<'_>,
    depth: usize,
    start: Option<u64>,
    rows: &mut Vec<Row>,
) {
    let indent = "  ".repeat(depth);
    match node {
        Node::Round(round) => {
            let mut when = format!("{indent}{}", round_name(round, start));
            for group in groups(round) {
                let what = lines(recording, group.message);
                let mut what = what.into_iter();
                let each = if group.to.len() > 1 { " each" } else { "" };
                let bytes = counted(group.message.bytes, "byte");
                rows.push(Row {
                    when: std::mem::take(&mut when),
                    who: format!(
                        "{} -> {}",
                        recording.party(group.message.from),
                        names(recording, &group.to)
                    ),
                    bytes: format!("{bytes}{each}"),
                    what: what.next().unwrap_or_default(),
                });
                rows.extend(what.map(|what| Row {
                    when: String::new(),
                    who: String::new(),
                    bytes: String::new(),
                    what,
                }));
            }
        }
        Node::Times { times, last, body } => {
            let Some(first) = node.first() else { return };
            let heading = format!("{indent}{}", times_name(first, *last, *times, start));
            let inner = Some(first.number);
            // A repetition of one exchange needs no line of its own for the heading.
            if let [one @ Node::Round(_)] = body.as_slice() {
                let before = rows.len();
                add(recording, one, depth, inner, rows);
                if let Some(row) = rows.get_mut(before) {
                    row.when = heading;
                }
                return;
            }
            rows.push(Row {
                when: heading,
                who: String::new(),
                bytes: String::new(),
                what: String::new(),
            });
            for node in body {
                add(recording, node, depth + 1, inner, rows);
            }
        }
    }
}

/// Names of parties, in order. Neighbours of one family are told as `P[0..3]`, and who gets several
/// messages as `P[0] ×2`.
fn names(recording: &Recording, parties: &[usize]) -> String {
    let mut told: Vec<(String, usize)> = vec![];
    for party in parties {
        let name = recording.party(*party);
        match told.last_mut() {
            Some((last, times)) if last == name => *times += 1,
            _ => told.push((name.to_owned(), 1)),
        }
    }
    let mut out: Vec<String> = vec![];
    let mut at = 0;
    while let Some((name, times)) = told.get(at) {
        let mut length = 1;
        if let Some((family, first)) = member(name) {
            let next = |i: usize| Some((family, first + i));
            while told
                .get(at + length)
                .is_some_and(|(other, count)| count == times && member(other) == next(length))
            {
                length += 1;
            }
            if length > 2 {
                out.push(format!("{family}[{first}..{}]", first + length));
            }
        }
        if length < 3 {
            length = 1;
            out.push(name.clone());
        }
        if let Some(last) = out.last_mut().filter(|_| *times > 1) {
            let _ = write!(last, " ×{times}");
        }
        at += length;
    }
    out.join(", ")
}

/// The family of a party and its position there.
fn member(name: &str) -> Option<(&str, usize)> {
    let (family, rest) = name.strip_suffix(']')?.rsplit_once('[')?;
    Some((family, rest.parse().ok()?))
}

/// Messages of one sender that differ in the receiver only.
pub(crate) struct Group<'m> {
    pub(crate) message: &'m Message,
    pub(crate) to: Vec<usize>,
}

/// The messages of a round, those of one sender with equal contents together.
pub(crate) fn groups<'m>(round: &Round<'m>) -> Vec<Group<'m>> {
    let mut groups: Vec<Group<'m>> = vec![];
    for message in &round.messages {
        let same = groups.iter_mut().find(|group| {
            let other = group.message;
            (other.from, other.bytes) == (message.from, message.bytes)
                && other.items == message.items
        });
        match same {
            Some(group) => group.to.push(message.to),
            None => groups.push(Group {
                message,
                to: vec![message.to],
            }),
        }
    }
    groups
}

/// What of a message belongs to one line of the script.
pub(crate) struct Share {
    pub(crate) line: Option<Line>,
    /// Protocols and what they send, each once.
    pub(crate) what: Vec<String>,
    pub(crate) bytes: u64,
    pub(crate) values: Vec<String>,
}

/// The contents of a message by line of the script.
pub(crate) fn shares(recording: &Recording, items: &[Item]) -> Vec<Share> {
    let mut by_line: BTreeMap<Option<Line>, Share> = BTreeMap::new();
    for item in items {
        let part = recording.part(item);
        let share = by_line.entry(part.line.clone()).or_insert_with(|| Share {
            line: part.line.clone(),
            what: vec![],
            bytes: 0,
            values: vec![],
        });
        let what = name(&part);
        if !share.what.contains(&what) {
            share.what.push(what);
        }
        share.bytes += item.bytes;
        share.values.extend(item.values.clone());
    }
    by_line.into_values().collect()
}

/// `mul: P[i] -> P[i-1]: z[i]`.
pub(crate) fn name(part: &Part) -> String {
    match &part.protocol {
        Some(protocol) if part.what.is_empty() => protocol.clone(),
        Some(protocol) => format!("{protocol}: {}", part.what),
        None => part.what.clone(),
    }
}

/// More names than these are counted.
const MOST_NAMES: usize = 3;

fn lines(recording: &Recording, message: &Message) -> Vec<String> {
    let shares = shares(recording, &message.items);
    let several = shares.len() > 1;
    let mut out = vec![];
    for share in shares {
        let place = share
            .line
            .map(|line| format!("{}:{}", line.file, line.number));
        let mut what = share.what;
        let more = what.len().saturating_sub(MOST_NAMES);
        what.truncate(MOST_NAMES);
        let mut text = [place.unwrap_or_default(), what.join("; ")].join("  ");
        if more > 0 {
            let _ = write!(text, "; and {more} more");
        }
        if several {
            let _ = write!(text, " ({})", counted(share.bytes, "byte"));
        }
        out.push(text.trim().to_owned());
        out.extend(share.values.into_iter().map(|v| format!("  = {v}")));
    }
    out
}
