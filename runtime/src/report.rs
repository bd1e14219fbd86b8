//! What a run answers: outputs by name, what was sent, and errors, as text and as JSON. Interpreted and compiled
//! parties answer with the same documents.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use smpc_ir::local::CALLED;
use smpc_ir::party::{OutputInfo, Party};
use smpc_ir::share::Type;

use crate::command::{Stop, Why};
use crate::endpoint::Account;
use crate::files::Problem;
use crate::number::decimal;
use crate::show::{self, duration, grouped};
use crate::tensor::Tensor;

/// What one party was handed: each output that the program declares, as often as it was handed out.
pub type Handed<'a> = Vec<(OutputInfo<'a>, Vec<Tensor>)>;

/// One output as all its receivers got it.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// `all`, or the receivers' names.
    pub to: Vec<String>,
    /// For machines.
    pub json: Value,
    /// For people; several lines for tensors.
    pub text: String,
}

/// Gathers what parties, by their positions among `names`, were handed. All of them have the same list of
/// outputs, and are told in its order.
pub fn gather(names: &[&str], handed: &[(usize, Handed<'_>)]) -> Vec<Output> {
    let mut order: Vec<&OutputInfo<'_>> = vec![];
    for (info, _) in handed.first().map_or(&[][..], |(_, own)| own) {
        if !order.iter().any(|known| known.name == info.name) {
            order.push(info);
        }
    }
    let party = |at: usize| {
        let name = names.get(at);
        name.map_or_else(|| format!("party {at}"), |name| (*name).to_owned())
    };
    let mut outputs = vec![];
    for info in order {
        // Receivers of equal values share an entry; usually there is one.
        let mut groups: Vec<(Vec<String>, Value, String)> = vec![];
        for (at, own) in handed {
            let members = own.iter().filter(|(other, _)| other.name == info.name);
            let members: Vec<&(OutputInfo<'_>, Vec<Tensor>)> = members.collect();
            if members.iter().all(|(_, times)| times.is_empty()) {
                continue;
            }
            let (json, text) = value(&members, info.repeated);
            match groups.iter_mut().find(|(_, other, _)| *other == json) {
                Some((to, _, _)) => to.push(party(*at)),
                None => groups.push((vec![party(*at)], json, text)),
            }
        }
        let meant = |at: &usize| {
            let at = u8::try_from(*at).map(Party);
            at.is_ok_and(|at| info.receivers.contains(at))
        };
        // In a loop without turns nothing was handed out, which those hear who would have been told.
        if groups.is_empty() && info.repeated && handed.iter().any(|(at, _)| meant(at)) {
            groups.push((vec![], json!([]), "nothing".into()));
        }
        let single = groups.len() == 1;
        for (mut to, json, text) in groups {
            if single && info.all && !to.is_empty() {
                to = vec!["all".into()];
            }
            outputs.push(Output {
                name: info.name.to_owned(),
                to,
                json,
                text,
            });
        }
    }
    outputs
}

/// The members of an output, by the times it was handed out.
fn value(members: &[&(OutputInfo<'_>, Vec<Tensor>)], repeated: bool) -> (Value, String) {
    let one = |time: usize| {
        let row = members.iter();
        let row: Vec<(&OutputInfo<'_>, &Tensor)> = row
            .filter_map(|(info, times)| Some((info, times.get(time)?)))
            .collect();
        match row.as_slice() {
            [(info, value)] if info.field.is_none() => (json_of(value, info), text_of(value, info)),
            row => {
                let json = row.iter().map(|(info, value)| json_of(value, info));
                let texts = row.iter().map(|(info, value)| text_of(value, info));
                let texts: Vec<String> = texts.collect();
                let text = if texts.iter().any(|text| text.contains('\n')) {
                    texts.join("\n")
                } else {
                    format!("({})", texts.join(", "))
                };
                (Value::Array(json.collect()), text)
            }
        }
    };
    let times = members.iter().map(|(_, times)| times.len()).max();
    match times.unwrap_or(0) {
        1 if !repeated => one(0),
        times => {
            let (json, texts): (Vec<Value>, Vec<String>) = (0..times).map(one).unzip();
            (Value::Array(json), texts.join("\n"))
        }
    }
}

fn text_of(value: &Tensor, info: &OutputInfo<'_>) -> String {
    show::value(value.shape(), &value.to_i128s(), info.ty, info.text)
}

/// The value as nested lists.
fn json_of(value: &Tensor, info: &OutputInfo<'_>) -> Value {
    let elements = value.to_i128s();
    nested(
        value.shape(),
        &mut elements
            .iter()
            .map(|value| element(*value, info.ty, info.text)),
    )
}

fn nested(shape: &[usize], elements: &mut dyn Iterator<Item = Value>) -> Value {
    match shape.split_first() {
        None => elements.next().unwrap_or(Value::Null),
        Some((count, rest)) => (0..*count).map(|_| nested(rest, elements)).collect(),
    }
}

fn element(value: i128, ty: Type, text: bool) -> Value {
    match ty {
        Type::Bits(1) => Value::Bool(value != 0),
        Type::Bits(width) => {
            let characters = text.then(|| show::characters(value, width)).flatten();
            Value::String(characters.unwrap_or_else(|| show::hexadecimal(value, width)))
        }
        Type::Int => number(&value.to_string()),
        Type::Fix(_) => number(&decimal(value)),
    }
}

/// A number of JSON with exactly these digits.
pub fn number(digits: &str) -> Value {
    digits
        .parse::<serde_json::Number>()
        .map_or_else(|_| Value::String(digits.to_owned()), Value::Number)
}

/// Outputs as text, each with its receivers.
pub fn text(outputs: &[Output]) -> String {
    let mut out = String::new();
    for output in outputs {
        let to = if output.to.is_empty() {
            String::new()
        } else {
            format!(" to {}", output.to.join(", "))
        };
        if output.text.contains('\n') {
            let indented = output.text.replace('\n', "\n    ");
            let _ = writeln!(out, "{}{to}:\n    {indented}", output.name);
        } else {
            let _ = writeln!(out, "{}{to}: {}", output.name, output.text);
        }
    }
    out
}

/// Outputs as an object by name; a name with several receivers' values has a list of entries.
pub fn json(outputs: &[Output]) -> Value {
    let mut map = Map::new();
    for output in outputs {
        let entry = json!({ "to": output.to, "value": output.json });
        match map.get_mut(&output.name) {
            None => {
                map.insert(output.name.clone(), entry);
            }
            Some(Value::Array(entries)) => entries.push(entry),
            Some(other) => {
                let first = other.take();
                *other = json!([first, entry]);
            }
        }
    }
    Value::Object(map)
}

/// What one connected party answers.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Who.
    pub party: &'a str,
    /// What it was handed.
    pub outputs: &'a [Output],
    /// The scheme's name.
    pub scheme: &'a str,
    /// How many parties there are.
    pub parties: usize,
    /// What it sent.
    pub account: &'a Account,
    /// Whether it sent its offline messages in an earlier run.
    pub prepared: bool,
    /// How long it computed.
    pub seconds: f64,
}

impl Answer<'_> {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = text(self.outputs);
        let account = self.account;
        let _ = write!(
            text,
            "\n{}: {} rounds, {} messages, {} bytes sent",
            self.party,
            grouped(account.rounds),
            grouped(account.messages),
            grouped(account.bytes),
        );
        if account.offline_bytes > 0 {
            let when = if self.prepared { "prepared" } else { "offline" };
            let _ = write!(text, ", {} {when}", grouped(account.offline_bytes));
        }
        let _ = writeln!(text, " under {} in {}", self.scheme, duration(self.seconds));
        text
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let account = self.account;
        json!({
            "party": self.party,
            "outputs": json(self.outputs),
            "scheme": self.scheme,
            "parties": self.parties,
            "cost": {
                "rounds": account.rounds,
                "messages": account.messages,
                "bytes": account.bytes,
                "offline_bytes": account.offline_bytes,
                "setup_bytes": account.setup_bytes,
            },
            "seconds": self.seconds,
        })
    }
}

/// What a simulated run costs all parties, whose accounts come with their names.
pub fn cost(accounts: &[(&str, Account)]) -> Value {
    let by_party = |count: fn(&Account) -> u64| -> Map<String, Value> {
        let counts = accounts.iter();
        let counts = counts.map(|(name, account)| ((*name).to_owned(), json!(count(account))));
        counts.collect()
    };
    let all = accounts.iter().map(|(_, account)| account);
    json!({
        "rounds": all.clone().map(|account| account.rounds).max().unwrap_or(0),
        "messages": all.map(|account| account.messages).sum::<u64>(),
        "bytes": by_party(|account| account.bytes),
        "offline_bytes": by_party(|account| account.offline_bytes),
    })
}

/// Why a program stopped, as the document in which `smpc` tells errors. A compiled program knows the line of
/// its script, not the column.
pub fn errors(stop: &Stop) -> Value {
    let errors = match &stop.why {
        Why::Problems(problems) => problems.iter().map(of_file).collect(),
        Why::Failed(failure) => {
            let mut places = failure.place.split(CALLED).map(line);
            let place = places.next().flatten();
            let mut told = error(failure.code, &failure.message, place, None);
            let calls = places.flatten().map(|mut call| {
                call["message"] = "called here".into();
                call
            });
            told["labels"] = calls.collect();
            vec![told]
        }
    };
    json!({ "errors": Value::Array(errors), "exit": stop.exit })
}

/// The answer of a run that went well, with the errors of what came behind it.
pub fn with_errors(mut answer: Value, errors: &Value) -> Value {
    answer["errors"] = errors["errors"].clone();
    answer["exit"] = errors["exit"].clone();
    answer
}

/// A file and a line of it.
fn line(place: &str) -> Option<Value> {
    let (file, line) = place.rsplit_once(':')?;
    let line: u64 = line.parse().ok()?;
    Some(json!({ "file": file, "line": line, "column": null, "bytes": null }))
}

fn of_file(problem: &Problem) -> Value {
    let place = (!problem.path.is_empty())
        .then(|| json!({ "file": problem.path, "row": problem.row, "column": problem.column }));
    error(
        problem.code,
        &problem.message,
        place,
        problem.help.as_deref(),
    )
}

fn error(code: &str, message: &str, place: Option<Value>, help: Option<&str>) -> Value {
    json!({ "code": code, "message": message, "place": place, "labels": [], "help": help })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Elem;
    use crate::endpoint::Failure;
    use smpc_ir::party::PartySet;

    fn info(name: &'static str, repeated: bool, receivers: PartySet) -> OutputInfo<'static> {
        OutputInfo {
            name,
            field: None,
            label: "",
            ty: Type::Int,
            text: false,
            repeated,
            all: false,
            receivers,
        }
    }

    fn tensor(shape: &[usize], values: &[i128]) -> Tensor {
        Tensor::from_i128s(Elem::Ring(64), shape, values).unwrap()
    }

    #[test]
    fn tensors_nest() {
        let one = tensor(&[2, 2], &[1, 2, 3, -4]);
        let x = info("x", false, PartySet::EMPTY);
        assert_eq!(json_of(&one, &x), json!([[1, 2], [3, -4]]));
    }

    #[test]
    fn bits_are_text_only_where_the_script_says_so() {
        let x = info("x", false, PartySet::EMPTY);
        let words =
            Tensor::from_i128s(Elem::Bits(32), &[3], &[0x4142_4344, 0, 0x610a_6200]).unwrap();
        let ty = Type::Bits(32);
        let bits = OutputInfo { ty, ..x };
        let text = OutputInfo { text: true, ..bits };
        assert_eq!(
            json_of(&words, &bits),
            json!(["0x41424344", "0x00000000", "0x610a6200"])
        );
        assert_eq!(json_of(&words, &text), json!(["ABCD", "", "a\nb"]));
        assert_eq!(
            text_of(&words, &bits),
            "[0x41424344, 0x00000000, 0x610a6200]"
        );
        assert_eq!(text_of(&words, &text), "[ABCD, \"\", \"a\\nb\"]");
    }

    #[test]
    fn machines_get_every_digit() {
        // As in files.
        for text in ["0.1", "-70368744177663.98", "16777214.24691357802475977223"] {
            let value = crate::number::fixed(text).unwrap();
            assert_eq!(element(value, Type::Fix(64), false).to_string(), text);
        }
        assert_eq!(element(i128::MAX, Type::Int, false).to_string().len(), 39);
    }

    /// Only who would be told of a turn is told that there was none.
    #[test]
    fn a_loop_without_turns() {
        let first = PartySet::first(1);
        let names = ["alice", "bob"];
        let own = |at, values: Vec<Tensor>| (at, vec![(info("x", true, first), values)]);
        assert_eq!(text(&gather(&names, &[own(0, vec![])])), "x: nothing\n");
        assert_eq!(text(&gather(&names, &[own(1, vec![])])), "");
        let once = gather(&names, &[own(0, vec![tensor(&[], &[7])]), own(1, vec![])]);
        assert_eq!(text(&once), "x to alice: 7\n");
        assert_eq!(
            json(&once),
            json!({ "x": { "to": ["alice"], "value": [7] } })
        );
    }

    #[test]
    fn members_stand_together() {
        let both = PartySet::first(2);
        let member = |at, value: i128| {
            let info = OutputInfo {
                field: Some((at, 2)),
                all: true,
                ..info("pair", false, both)
            };
            (info, vec![tensor(&[], &[value])])
        };
        let own = |at| (at, vec![member(0, 3), member(1, 4)]);
        let outputs = gather(&["alice", "bob"], &[own(0), own(1)]);
        assert_eq!(text(&outputs), "pair to all: (3, 4)\n");
        assert_eq!(
            json(&outputs),
            json!({ "pair": { "to": ["all"], "value": [3, 4] } })
        );
    }

    #[test]
    fn a_failure_has_its_line() {
        let failure = Failure {
            code: "I33",
            place: "mean.smpc:7".into(),
            ..Failure::setup("told")
        };
        let document = errors(&Stop::failed(failure));
        let place = json!({ "file": "mean.smpc", "line": 7, "column": null, "bytes": null });
        let error = json!({
            "code": "I33", "message": "told", "place": place, "labels": [], "help": null,
        });
        assert_eq!(document, json!({ "errors": [error], "exit": 4 }));
    }

    #[test]
    fn a_failure_in_a_function_has_the_lines_of_the_calls() {
        let failure = Failure {
            place: "mean.smpc:7, called at mean.smpc:9, called at a/b.smpc:12".into(),
            ..Failure::setup("told")
        };
        let document = errors(&Stop::failed(failure));
        let error = &document["errors"][0];
        assert_eq!(error["place"]["line"], 7);
        let at = |file: &str, line: u64| {
            let label = json!({ "file": file, "line": line, "column": null, "bytes": null });
            let mut label = label.as_object().unwrap().clone();
            label.insert("message".into(), "called here".into());
            Value::Object(label)
        };
        let labels = json!([at("mean.smpc", 9), at("a/b.smpc", 12)]);
        assert_eq!(error["labels"], labels);
    }
}
