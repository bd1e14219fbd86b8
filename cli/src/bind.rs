//! Parameters from the command line, sizes from inputs, and the guards between them.

use crate::inputs::{Array, Declared, Element, Inputs, lengths};
use crate::problem::Problem;
use smpc_ir::share::{Guard, Param, SizeOrigin};
use smpc_ir::{Size, SizeVar};

/// `name=value` as given with `--set`.
pub type Setting = (String, String);

/// Splits `name=value`.
///
/// # Errors
/// There is no `=` or no name.
pub fn setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(format!("expected NAME=VALUE, found `{text}`")),
    }
}

/// The value of every parameter, or of those that have one when `complete` is false.
pub fn params(
    params: &[Param],
    sets: &[Setting],
    known_elsewhere: &[String],
    ring_bits: u8,
    problems: &mut Vec<Problem>,
) -> Vec<Option<i128>> {
    for (name, _) in sets {
        if params.iter().any(|p| &p.name == name) || known_elsewhere.contains(name) {
            continue;
        }
        let mut names: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
        names.extend(known_elsewhere.iter().map(String::as_str));
        let help = if names.is_empty() {
            "the script has no parameters".to_owned()
        } else {
            format!("its parameters are `{}`", names.join("`, `"))
        };
        problems.push(
            Problem::plain("I13", format!("the script has no parameter `{name}`")).help(help),
        );
    }
    params
        .iter()
        .map(|param| {
            // The last setting of a name wins, as usual on a command line.
            let Some((name, text)) = sets.iter().rev().find(|(name, _)| *name == param.name) else {
                if param.default.is_none() {
                    problems.push(
                        Problem::source(
                            "I13",
                            format!("parameter `{}` has no value", param.name),
                            param.source,
                        )
                        .help(format!("give one: `--set {}=...`", param.name)),
                    );
                }
                return param.default;
            };
            let element = Element {
                ty: param.ty,
                text: false,
                ring_bits,
            };
            match element.read_text(text) {
                Ok(value) => Some(value),
                Err(flaw) => {
                    problems.push(
                        Problem::source(
                            "I13",
                            format!("`--set {name}={text}`: {}", flaw.message),
                            param.source,
                        )
                        .help(flaw.expected),
                    );
                    None
                }
            }
        })
        .collect()
}

/// Gives every size of the script its value and checks that all inputs agree.
pub fn sizes(
    declared: Declared<'_>,
    guards: &[Guard],
    params: &[Option<i128>],
    inputs: &Inputs,
    problems: &mut Vec<Problem>,
) -> Vec<Option<i128>> {
    let mut values = vec![None; declared.sizes.len()];
    for (at, info) in declared.sizes.iter().enumerate() {
        let value = match info.origin {
            SizeOrigin::Input { input, axis } => inputs
                .arrays
                .get(input as usize)
                .and_then(Option::as_ref)
                .and_then(|array| array.shape.get(usize::from(axis)))
                .map(|length| *length as i128),
            SizeOrigin::Param(param) => params.get(param as usize).copied().flatten(),
            SizeOrigin::Loop => None,
        };
        if let Some(slot) = values.get_mut(at) {
            *slot = value;
        }
    }
    let all = declared.inputs.iter().zip(&inputs.arrays);
    for (at, (input, array)) in all.enumerate() {
        let Some(array) = array else { continue };
        for (axis, (dim, found)) in input.shape.iter().zip(&array.shape).enumerate() {
            let Some(wanted) = value(dim, &values) else {
                continue;
            };
            if wanted != *found as i128 {
                let problem = disagreement(declared, inputs, at, axis, dim, wanted, array);
                problems.push(problem);
            }
        }
    }
    for guard in guards {
        let (Some(left), Some(right)) = (value(&guard.left, &values), value(&guard.right, &values))
        else {
            continue;
        };
        if left != right {
            let (a, b) = (declared.size(&guard.left), declared.size(&guard.right));
            problems.push(
                Problem::source(
                    "I08",
                    format!("sizes disagree here: {a} is {left}, {b} is {right}"),
                    guard.source,
                )
                .help(format!(
                    "the inputs must make them equal{}{}",
                    origin(declared, inputs, &guard.left),
                    origin(declared, inputs, &guard.right)
                )),
            );
        }
    }
    values
}

/// An input whose axis differs from what fixed the size.
fn disagreement(
    declared: Declared<'_>,
    inputs: &Inputs,
    at: usize,
    axis: usize,
    dim: &Size,
    wanted: i128,
    array: &Array,
) -> Problem {
    let found = array.shape.get(axis).copied().unwrap_or(0);
    let path = inputs.paths.get(at).map_or("", String::as_str);
    let what = match axis {
        0 => "rows".to_owned(),
        1 => "columns".to_owned(),
        n => format!("elements along axis {n}"),
    };
    let shown = declared.inputs.get(at).map(|input| declared.shown(input));
    let mut problem = Problem::file(
        "I08",
        format!("the file has {found} {what}, expected {wanted}"),
        path,
    )
    .help(format!(
        "it holds `{}` and is {}{}",
        shown.unwrap_or_default(),
        lengths(&array.shape),
        origin(declared, inputs, dim)
    ));
    if let Some(input) = declared.inputs.get(at) {
        problem = problem.label(input.source, "declared here");
    }
    problem
}

/// Where the value of a size comes from, as the end of a sentence.
fn origin(declared: Declared<'_>, inputs: &Inputs, size: &Size) -> String {
    let mut text = String::new();
    for (at, info) in declared.sizes.iter().enumerate() {
        let Ok(number) = u32::try_from(at) else { break };
        if !size.mentions(SizeVar(number)) {
            continue;
        }
        let from = match info.origin {
            SizeOrigin::Input { input, .. } => inputs
                .paths
                .get(input as usize)
                .cloned()
                .unwrap_or_default(),
            SizeOrigin::Param(_) => "a parameter".into(),
            SizeOrigin::Loop => continue,
        };
        text.push_str(&format!("; {} comes from {from}", info.name));
    }
    text
}

/// The value of a size, if all it names is known.
pub fn value(size: &Size, values: &[Option<i128>]) -> Option<i128> {
    let lookup = |var: SizeVar| values.get(var.0 as usize).copied().flatten();
    size.evaluate(&lookup).ok()
}
