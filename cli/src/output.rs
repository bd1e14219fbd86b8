//! Outputs of a run: gathered by name, shown as tables or as JSON.

use crate::number;
use serde_json::{Map, Value, json};
use smpc_ir::share::{Audience, Block, Op, Program, Type};
use smpc_runtime::show;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One value that one party was handed.
#[derive(Clone, Debug)]
pub struct Handed {
    /// The output's name.
    pub name: String,
    /// Which member of a tuple, and of how many.
    pub field: Option<(u16, u16)>,
    /// Its type.
    pub show: Type,
    /// Who.
    pub party: u8,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Elements: integers, bits, or units of 2^-64.
    pub values: Vec<i128>,
}

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

/// What the program says of an output name.
struct Declared {
    all: bool,
    repeated: bool,
}

/// Gathers what the parties were handed, in the order the script names outputs.
pub fn gather(program: &Program, handed: &[Handed]) -> Vec<Output> {
    let mut order = Vec::new();
    let mut declared = BTreeMap::new();
    walk(&program.body, false, &mut order, &mut declared);
    for one in handed {
        if !order.contains(&one.name) {
            order.push(one.name.clone());
        }
    }
    let mut outputs = Vec::new();
    for name in order {
        let about = declared.get(&name);
        let repeated = about.is_some_and(|d: &Declared| d.repeated);
        // By party: its values in order, the members of a tuple put together.
        let mut by_party: BTreeMap<u8, Vec<Vec<&Handed>>> = BTreeMap::new();
        for one in handed.iter().filter(|h| h.name == name) {
            let rows = by_party.entry(one.party).or_default();
            match (one.field, rows.last_mut()) {
                (Some((member, _)), Some(row)) if member > 0 => row.push(one),
                _ => rows.push(vec![one]),
            }
        }
        if by_party.is_empty() && !repeated {
            continue;
        }
        let party = |at: &u8| {
            let name = program.parties.get(usize::from(*at));
            name.cloned().unwrap_or_else(|| format!("party {at}"))
        };
        // Receivers of equal values share an entry; usually there is one.
        let mut groups: Vec<(Vec<String>, Value, String)> = Vec::new();
        for (at, rows) in &by_party {
            let (json, text) = value(rows, repeated);
            match groups.iter_mut().find(|(_, other, _)| *other == json) {
                Some((to, _, _)) => to.push(party(at)),
                None => groups.push((vec![party(at)], json, text)),
            }
        }
        if groups.is_empty() {
            groups.push((Vec::new(), json!([]), "nothing".into()));
        }
        let single = groups.len() == 1;
        for (mut to, json, text) in groups {
            if single && about.is_some_and(|d| d.all) {
                to = vec!["all".into()];
            }
            outputs.push(Output {
                name: name.clone(),
                to,
                json,
                text,
            });
        }
    }
    outputs
}

fn walk(
    block: &Block,
    looped: bool,
    order: &mut Vec<String>,
    declared: &mut BTreeMap<String, Declared>,
) {
    for step in &block.steps {
        match &step.op {
            Op::Output { name, to, .. } => {
                let all = *to == Audience::All;
                match declared.get_mut(name) {
                    Some(known) => {
                        known.all &= all;
                        known.repeated |= looped;
                    }
                    None => {
                        order.push(name.clone());
                        let repeated = looped;
                        declared.insert(name.clone(), Declared { all, repeated });
                    }
                }
            }
            Op::For { body, .. } => walk(body, true, order, declared),
            Op::While { body, .. } => walk(body, true, order, declared),
            Op::Switch { arms } => {
                for arm in arms {
                    walk(arm, looped, order, declared);
                }
            }
            _ => {}
        }
    }
}

fn value(rows: &[Vec<&Handed>], repeated: bool) -> (Value, String) {
    let one = |row: &Vec<&Handed>| match row.as_slice() {
        [single] if single.field.is_none() => (json_of(single), text_of(single)),
        members => {
            let json = members.iter().map(|m| json_of(m)).collect();
            let texts: Vec<String> = members.iter().map(|m| text_of(m)).collect();
            let text = if texts.iter().any(|t| t.contains('\n')) {
                texts.join("\n")
            } else {
                format!("({})", texts.join(", "))
            };
            (Value::Array(json), text)
        }
    };
    match rows {
        [row] if !repeated => one(row),
        rows => {
            let all: Vec<(Value, String)> = rows.iter().map(one).collect();
            let texts: Vec<String> = all.iter().map(|(_, text)| text.clone()).collect();
            let json = all.into_iter().map(|(json, _)| json).collect();
            (Value::Array(json), texts.join("\n"))
        }
    }
}

fn text_of(one: &Handed) -> String {
    show::value(&one.shape, &one.values, one.show)
}

/// The value as nested lists.
fn json_of(one: &Handed) -> Value {
    let mut elements = one.values.iter().map(|v| element_json(*v, one.show));
    nested(&one.shape, &mut elements)
}

fn nested(shape: &[usize], elements: &mut dyn Iterator<Item = Value>) -> Value {
    match shape.split_first() {
        None => elements.next().unwrap_or(Value::Null),
        Some((count, rest)) => (0..*count).map(|_| nested(rest, elements)).collect(),
    }
}

fn element_json(value: i128, ty: Type) -> Value {
    match ty {
        Type::Bits(1) => Value::Bool(value != 0),
        Type::Bits(_) => Value::String(show::element(value, ty)),
        Type::Int => number::to_json(&value.to_string()),
        Type::Fix(_) => number::to_json(&number::precise(value)),
    }
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
            let _ = writeln!(out, "{}{to}: {}", output.name, output.text.trim());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_nest() {
        let one = Handed {
            name: "x".into(),
            field: None,
            show: Type::Int,
            party: 0,
            shape: vec![2, 2],
            values: vec![1, 2, 3, -4],
        };
        assert_eq!(json_of(&one), json!([[1, 2], [3, -4]]));
    }
}
