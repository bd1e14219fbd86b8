//! The command line of a compiled program: arguments, input files, outputs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use smpc_ir::party::Elem;

use crate::channel::Channel;
use crate::endpoint::{Account, Failure, run_locally};
use crate::number;
use crate::table;
use crate::tensor::Tensor;

/// What a compiled program is started with.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Names of the parties.
    pub parties: &'static [&'static str],
    /// Sizes of inputs, then parameters.
    pub publics: &'static [Public],
    /// Inputs.
    pub inputs: &'static [Input],
}

/// A size or a parameter.
#[derive(Clone, Copy, Debug)]
pub struct Public {
    /// Its name in the script.
    pub name: &'static str,
    /// Where its value comes from.
    pub origin: Origin,
}

/// Where a public value comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// The length of an axis of an input.
    Axis {
        /// Which input.
        input: usize,
        /// Which axis.
        axis: usize,
    },
    /// An integer, from the command line unless there is a default.
    Integer(Option<i128>),
    /// As [`Origin::Integer`], of fixed point in units of 2^-64.
    Fixed(Option<i128>),
}

/// An input: a file of its party, or a column of one.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Position of the owner.
    pub party: usize,
    /// The file's name, without its ending.
    pub file: &'static str,
    /// The column of a table.
    pub column: Option<&'static str>,
    /// Element type.
    pub elem: Elem,
    /// Whether elements are characters.
    pub text: bool,
    /// How many axes.
    pub rank: usize,
    /// How many axes the table has, if it is a column of one.
    pub table_rank: usize,
}

/// One party's part: position, channels, public values, inputs, seed; outputs by name.
type Part<'a> = dyn Fn(usize, &mut dyn Channel, &[i128], Vec<Option<Tensor>>, Option<u64>) -> Handed
    + Sync
    + 'a;

/// What a party was handed and what it sent.
pub type Handed = Result<(Vec<(&'static str, Vec<Tensor>)>, Account), Failure>;

struct Arguments {
    local: bool,
    raw: bool,
    inputs: PathBuf,
    seed: Option<u64>,
    set: HashMap<String, String>,
}

const USAGE: &str = "\
Options:
  --local           carry out every party in this process
  --inputs DIR      folder with PARTY/NAME.csv [default: inputs]
  --set NAME=VALUE  value of a parameter; may be repeated
  --seed N          make the run reproducible; without it, keys come from the operating system
  --raw             print elements as integers: fixed point in units of 2^-64
  --help            print this";

/// Runs the program. Exit codes: 0 success, 2 the command line, 3 inputs, 4 the computation.
pub fn main(
    description: &Description,
    part: impl Fn(usize, &mut dyn Channel, &[i128], Vec<Option<Tensor>>, Option<u64>) -> Handed + Sync,
) -> ExitCode {
    let (code, text) = match arguments(std::env::args().skip(1)) {
        Ok(None) => (0, USAGE.to_owned() + "\n"),
        Ok(Some(arguments)) => match carry_out(description, &arguments, &part) {
            Ok(text) => (0, text),
            Err((code, message)) => (code, message),
        },
        Err(message) => (2, message),
    };
    // A closed terminal is no reason to panic, and there is nobody left to tell.
    let _ = if code == 0 {
        std::io::stdout().write_all(text.as_bytes())
    } else {
        std::io::stderr().write_all(format!("error: {text}\n").as_bytes())
    };
    ExitCode::from(code)
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments {
        local: false,
        raw: false,
        inputs: PathBuf::from("inputs"),
        seed: None,
        set: HashMap::new(),
    };
    while let Some(option) = given.next() {
        let mut value = || {
            given
                .next()
                .ok_or_else(|| format!("`{option}` needs a value"))
        };
        match option.as_str() {
            "--help" | "-h" => return Ok(None),
            "--local" => arguments.local = true,
            "--raw" => arguments.raw = true,
            "--inputs" => arguments.inputs = PathBuf::from(value()?),
            "--seed" => {
                let text = value()?;
                let seed = text.parse().map_err(|_| format!("`{text}` is no seed"))?;
                arguments.seed = Some(seed);
            }
            "--set" => {
                let text = value()?;
                let (name, value) = text
                    .split_once('=')
                    .ok_or_else(|| format!("expected NAME=VALUE, found `{text}`"))?;
                arguments
                    .set
                    .insert(name.trim().to_owned(), value.trim().to_owned());
            }
            _ => return Err(format!("there is no option `{option}`\n{USAGE}")),
        }
    }
    Ok(Some(arguments))
}

fn carry_out(
    description: &Description,
    arguments: &Arguments,
    part: &Part<'_>,
) -> Result<String, (u8, String)> {
    if !arguments.local {
        let message = "this version runs all parties in one process: give `--local`";
        return Err((2, message.to_owned()));
    }
    let inputs = table::read(description, &arguments.inputs).map_err(|e| (3, e))?;
    let publics = publics(description, &inputs, &arguments.set).map_err(|e| (3, e))?;
    let run = |party: usize, channel: &mut dyn Channel| {
        // A party is given its own inputs and nobody else's.
        let own =
            |(input, tensor): (&Input, &Tensor)| (input.party == party).then(|| tensor.clone());
        let own = description.inputs.iter().zip(&inputs).map(own).collect();
        part(party, channel, &publics, own, arguments.seed)
    };
    let runs = run_locally(description.parties, run).map_err(|e| (4, e.to_string()))?;
    let mut text = String::new();
    for (name, (outputs, _)) in description.parties.iter().zip(&runs) {
        for (output, values) in outputs {
            for value in values {
                let _ = writeln!(text, "{name} {output} = {}", shown(value, arguments.raw));
            }
        }
    }
    for (name, (_, account)) in description.parties.iter().zip(&runs) {
        let Account {
            rounds,
            messages,
            bytes,
            offline_bytes,
            setup_bytes,
        } = account;
        let _ = writeln!(
            text,
            "{name}: {rounds} rounds, {messages} messages, {bytes} bytes, {offline_bytes} offline, {setup_bytes} set-up"
        );
    }
    Ok(text)
}

fn publics(
    description: &Description,
    inputs: &[Tensor],
    set: &HashMap<String, String>,
) -> Result<Vec<i128>, String> {
    let param = |name: &str| matches!(description.publics.iter().find(|p| p.name == name), Some(p) if !matches!(p.origin, Origin::Axis { .. }));
    if let Some(name) = set.keys().find(|name| !param(name)) {
        return Err(format!("there is no parameter `{name}`"));
    }
    let value = |public: &Public| -> Result<i128, String> {
        let name = public.name;
        let given = set.get(name);
        let read = |read: fn(&str) -> Result<i128, number::NumberError>, default: Option<i128>| {
            match given {
                Some(text) => read(text).map_err(|e| format!("`--set {name}={text}`: {e}")),
                None => default.ok_or_else(|| {
                    format!("parameter `{name}` has no value: give `--set {name}=...`")
                }),
            }
        };
        match public.origin {
            Origin::Axis { input, axis } => {
                let length = inputs.get(input).and_then(|t| t.shape().get(axis));
                length
                    .map(|l| *l as i128)
                    .ok_or_else(|| format!("size `{name}` has no value"))
            }
            Origin::Integer(default) => read(number::integer, default),
            Origin::Fixed(default) => read(number::fixed, default),
        }
    };
    description.publics.iter().map(value).collect()
}

/// A tensor as nested lists.
fn shown(value: &Tensor, raw: bool) -> String {
    let values = value.to_i128s();
    let element = |v: &i128| match value.elem() {
        Elem::Fix if !raw => {
            let real = *v as f64 / 18_446_744_073_709_551_616.0;
            format!("{real:.9}")
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        }
        Elem::Bits(_) => v.cast_unsigned().to_string(),
        _ => v.to_string(),
    };
    let mut texts: Vec<String> = values.iter().map(element).collect();
    for (axis, length) in value.shape().iter().enumerate().rev() {
        let rows: usize = value.shape()[..axis].iter().product();
        let list = |i: usize| format!("[{}]", texts[i * length..(i + 1) * length].join(", "));
        texts = (0..rows).map(list).collect();
    }
    texts.concat()
}

/// The folder of a party's files.
pub(crate) fn folder(inputs: &Path, party: &str) -> PathBuf {
    inputs.join(party)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_lists() {
        let t = |elem, shape: &[usize], values: &[i128]| {
            Tensor::from_i128s(elem, shape, values).unwrap()
        };
        assert_eq!(
            shown(&t(Elem::Ring(64), &[2, 2], &[1, -2, 3, 4]), false),
            "[[1, -2], [3, 4]]"
        );
        assert_eq!(shown(&t(Elem::Fix, &[], &[3 << 63]), false), "1.5");
        assert_eq!(shown(&t(Elem::Fix, &[1], &[1]), true), "[1]");
        assert_eq!(shown(&t(Elem::Bits(1), &[0], &[]), false), "[]");
    }

    #[test]
    fn options() {
        let parse = |text: &str| arguments(text.split_whitespace().map(str::to_owned));
        let all = parse("--local --seed 7 --set n=3 --inputs d")
            .unwrap()
            .unwrap();
        assert_eq!((all.local, all.seed), (true, Some(7)));
        assert_eq!(all.set.get("n").map(String::as_str), Some("3"));
        assert!(parse("--seed x").is_err());
        assert!(parse("--other").is_err());
        assert!(parse("--help").unwrap().is_none());
    }
}
