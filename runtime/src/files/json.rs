//! JSON: nested lists for tensors, a list of objects or an object of lists for tables.

use std::collections::BTreeSet;
use std::fmt;

use super::{Array, Expected, Problem, Problems, bad_element, wrong_rank};
use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Nesting beyond this is no tensor.
const MOST_AXES: usize = 16;

/// Reads every expected column, or the one tensor.
pub(super) fn read(
    bytes: &[u8],
    shown: &str,
    expected: &[Expected<'_>],
    problems: &mut Problems,
) -> Vec<Option<Array>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            problems.push(
                Problem::new("I10", format!("the file is not JSON: {error}"), shown)
                    .at_row(format!("line {}", error.line())),
            );
            return vec![None; expected.len()];
        }
    };
    if let Some(problem) = twice(bytes, shown) {
        problems.push(problem);
        return vec![None; expected.len()];
    }
    expected
        .iter()
        .map(|e| match e.wanted.column {
            Some(name) => {
                let column = column(&value, name, shown, e, problems)?;
                tensor(&column, shown, e, problems)
            }
            None => tensor(&value, shown, e, problems),
        })
        .collect()
}

/// The problem of an object that has a name twice: its second value would silently count.
fn twice(bytes: &[u8], shown: &str) -> Option<Problem> {
    let mut name = None;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let error = Once(&mut name).deserialize(&mut reader).err()?;
    let name = name?;
    let problem = Problem::new("I10", format!("an object has `{name}` twice"), shown)
        .at_row(format!("line {}", error.line()))
        .help("keep one of them: which value counts cannot be known");
    Some(problem)
}

/// Reads whatever there is, up to the first name that an object has twice, which is put here.
struct Once<'n>(&'n mut Option<String>);

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON whose objects have each name once")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Once(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if names.contains(&name) {
                *self.0 = Some(name);
                return Err(A::Error::custom("a name twice"));
            }
            names.insert(name);
            fields.next_value_seed(Once(self.0))?;
        }
        Ok(())
    }
}

fn column(
    value: &Value,
    name: &str,
    shown: &str,
    expected: &Expected<'_>,
    problems: &mut Problems,
) -> Option<Value> {
    let help = match expected.table_rank {
        0 => "expected an object",
        1 => "expected a list of objects, or an object of lists",
        _ => "expected lists of lists of objects, or an object of lists of lists",
    };
    let missing = |row: Option<&[usize]>| {
        let problem = Problem::new("I07", format!("there is no field `{name}`"), shown)
            .help(help)
            .declared(expected.position);
        match row {
            Some(row) => problem.at_row(place(row)),
            None => problem,
        }
    };
    match value {
        Value::Object(fields) => {
            let field = fields.get(name).cloned();
            if field.is_none() {
                problems.push(missing(None));
            }
            field
        }
        Value::Array(rows) => {
            let before = problems.len();
            let found = of_rows(rows, name, &mut vec![], &mut |at| {
                problems.push(missing(Some(at)));
            });
            (problems.len() == before).then_some(found)
        }
        _ => {
            problems.push(missing(None));
            None
        }
    }
}

/// The field of each object of a list, or of lists of them, whose depth the parser bounds; `missing` is told the place of
/// each without it.
fn of_rows(
    rows: &[Value],
    name: &str,
    index: &mut Vec<usize>,
    missing: &mut dyn FnMut(&[usize]),
) -> Value {
    let mut found = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        index.push(at);
        match (row, row.get(name)) {
            (_, Some(field)) => found.push(field.clone()),
            (Value::Array(inner), None) => found.push(of_rows(inner, name, index, missing)),
            _ => missing(index),
        }
        index.pop();
    }
    Value::Array(found)
}

/// `element [1, 2]`.
fn place(index: &[usize]) -> String {
    let text: Vec<String> = index.iter().map(usize::to_string).collect();
    format!("element [{}]", text.join(", "))
}

fn tensor(
    value: &Value,
    shown: &str,
    expected: &Expected<'_>,
    problems: &mut Problems,
) -> Option<Array> {
    let mut shape = Vec::new();
    let mut inner = value;
    while let Value::Array(items) = inner {
        shape.push(items.len());
        if shape.len() > MOST_AXES {
            break;
        }
        let Some(first) = items.first() else {
            problems.push(
                Problem::new("I02", "the list is empty", shown)
                    .help(format!("expected `{}`", expected.wanted.shown)),
            );
            return None;
        };
        inner = first;
    }
    if shape.len() != expected.wanted.rank {
        problems.push(wrong_rank(shown, expected, &shape));
        return None;
    }
    let before = problems.len();
    let mut values = Vec::new();
    let mut walk = Walk {
        shown,
        expected,
        values: &mut values,
        problems,
    };
    walk.collect(value, &shape, &mut Vec::new());
    (problems.len() == before).then_some(Array { shape, values })
}

struct Walk<'w> {
    shown: &'w str,
    expected: &'w Expected<'w>,
    values: &'w mut Vec<i128>,
    problems: &'w mut Problems,
}

impl Walk<'_> {
    /// Depth is bounded by the shape, so recursion is too.
    fn collect(&mut self, value: &Value, shape: &[usize], index: &mut Vec<usize>) {
        let field = self.expected.wanted.column;
        let field = field.map(|name| format!("field `{name}`"));
        match (shape.split_first(), value) {
            (Some((dim, rest)), Value::Array(items)) => {
                if items.len() != *dim {
                    self.problems.push(
                        Problem::new(
                            "I03",
                            format!(
                                "this list has {} elements, the first has {dim}",
                                items.len()
                            ),
                            self.shown,
                        )
                        .at_row(place(index))
                        .help(format!("expected `{}`", self.expected.wanted.shown)),
                    );
                }
                for (at, item) in items.iter().enumerate() {
                    index.push(at);
                    self.collect(item, rest, index);
                    index.pop();
                }
            }
            (Some(_), _) => self.problems.push(
                Problem::new(
                    "I03",
                    "here is a value where the others are lists",
                    self.shown,
                )
                .at_row(place(index))
                .help(format!("expected `{}`", self.expected.wanted.shown)),
            ),
            (None, value) => {
                let element = self.expected.wanted.element;
                let read = match value {
                    Value::Number(number) => element.read_text(&number.to_string()),
                    Value::String(text) => element.read_text(text),
                    Value::Bool(bit) => element.read_text(if *bit { "1" } else { "0" }),
                    other => element.read_text(&other.to_string()),
                };
                match read {
                    Ok(value) => self.values.push(value),
                    Err(flaw) => {
                        let problem = bad_element(&flaw, self.shown, place(index), field);
                        self.problems.push(problem);
                    }
                }
            }
        }
    }
}
