//! Parameters from the command line, sizes from inputs, and the guards between them.

use crate::binding::Binding;
use crate::pipeline::{Bound, Script};
use crate::problem::{Exit, Failure, Problem};
use smpc_ir::flat::Protocols;
use smpc_ir::party::Program;
use smpc_ir::share::{Param, SizeOrigin, size_shown};
use smpc_ir::{Size, SizeVar};
use smpc_runtime::files::{Array, Element, Read, lengths};

/// The value of every parameter.
pub fn params(
    params: &[Param],
    binding: &Binding,
    known_elsewhere: &[String],
    ring_bits: u8,
    problems: &mut Vec<Problem>,
) -> Vec<Option<i128>> {
    let given = given(params, binding, known_elsewhere, ring_bits, problems);
    let pairs = params.iter().zip(given);
    pairs
        .map(|(param, given)| match given {
            Some(value) => value,
            None => {
                if param.default.is_none() {
                    problems.push(
                        Problem::source(
                            "I13",
                            format!("parameter `{}` has no value", param.name),
                            param.source,
                        )
                        .help(format!(
                            "give one: `{}`",
                            binding.spelling.set(&param.name, "...")
                        )),
                    );
                }
                param.default
            }
        })
        .collect()
}

/// Makes the values that are given the defaults, for code that is generated.
///
/// # Errors
/// There is no such parameter, or the value is none of its type.
pub fn defaults(script: &Script, bound: &mut Bound, binding: &Binding) -> Result<(), Failure> {
    let mut problems = vec![];
    let bits = bound.protocols.ring_bits();
    let params = &mut bound.program.params;
    let given = given(params, binding, &script.family_sizes, bits, &mut problems);
    if !problems.is_empty() {
        return Err(Failure::new(Exit::Input, problems));
    }
    for (param, given) in params.iter_mut().zip(given) {
        param.default = given.flatten().or(param.default);
    }
    Ok(())
}

/// By parameter: absent if the binding does not give it, empty if what it gives is a problem. A name is one if no parameter has it,
/// and it is not known elsewhere.
pub fn given(
    params: &[Param],
    binding: &Binding,
    known_elsewhere: &[String],
    ring_bits: u8,
    problems: &mut Vec<Problem>,
) -> Vec<Option<Option<i128>>> {
    for (name, _) in &binding.set {
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
    let one = |param: &Param| {
        let (name, text) = binding.set.iter().find(|(name, _)| *name == param.name)?;
        let element = Element {
            ty: param.ty,
            text: false,
            ring_bits,
            // Parameters are clear.
            modulus: None,
        };
        Some(match element.read_text(text) {
            Ok(value) => Some(value),
            Err(flaw) => {
                let message = format!("`{}`: {}", binding.spelling.set(name, text), flaw.message);
                problems.push(Problem::source("I13", message, param.source).help(flaw.expected));
                None
            }
        })
    };
    params.iter().map(one).collect()
}

/// Gives every size of the script its value and checks that all inputs agree.
pub fn sizes(
    program: &Program,
    params: &[Option<i128>],
    inputs: &Read,
    problems: &mut Vec<Problem>,
) -> Vec<Option<i128>> {
    let mut values = vec![None; program.sizes.len()];
    for (at, info) in program.sizes.iter().enumerate() {
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
    let all = program.inputs.iter().zip(&inputs.arrays);
    for (at, (input, array)) in all.enumerate() {
        let Some(array) = array else { continue };
        for (axis, (dim, found)) in input.shape.iter().zip(&array.shape).enumerate() {
            let Some(wanted) = value(dim, &values) else {
                continue;
            };
            if wanted != *found as i128 {
                let problem = disagreement(program, inputs, at, axis, dim, wanted, array);
                problems.push(problem);
            }
        }
    }
    for guard in &program.guards {
        let (Some(left), Some(right)) = (value(&guard.left, &values), value(&guard.right, &values))
        else {
            continue;
        };
        if left != right {
            let (a, b) = (
                size_shown(&guard.left, &program.sizes),
                size_shown(&guard.right, &program.sizes),
            );
            problems.push(
                Problem::source(
                    "I08",
                    format!("sizes disagree here: {a} is {left}, {b} is {right}"),
                    guard.source,
                )
                .help(format!(
                    "the inputs must make them equal{}{}",
                    origin(program, inputs, &guard.left),
                    origin(program, inputs, &guard.right)
                )),
            );
        }
    }
    values
}

/// An input whose axis differs from what fixed the size.
fn disagreement(
    program: &Program,
    inputs: &Read,
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
    let shown = program.inputs.get(at).map(|i| i.shown(&program.sizes));
    let mut problem = Problem::file(
        "I08",
        format!("the file has {found} {what}, expected {wanted}"),
        path,
    )
    .help(format!(
        "it holds `{}` and is {}{}",
        shown.unwrap_or_default(),
        lengths(&array.shape),
        origin(program, inputs, dim)
    ));
    if let Some(input) = program.inputs.get(at) {
        problem = problem.label(input.source, "declared here");
    }
    problem
}

/// Where the value of a size comes from, as the end of a sentence.
fn origin(program: &Program, inputs: &Read, size: &Size) -> String {
    let mut text = String::new();
    for (at, info) in program.sizes.iter().enumerate() {
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
