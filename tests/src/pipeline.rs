//! From text to outputs, in process.

use std::collections::BTreeMap;

use smpc_audit::{Array, Data, Environment};
use smpc_grammar::ast::FileId;
use smpc_grammar::{Diagnostic, Sources};
use smpc_ir::share::{Input, Program, SizeOrigin, Type};

use crate::case::{Case, Expected, Given, fixed};

/// One output: its name and all its elements; an output that happens several times is one.
pub type Answers = BTreeMap<String, Vec<f64>>;

/// Checks a script. The members of a family are counted in what the case gives.
///
/// # Errors
/// The diagnostics, as text.
pub fn checked(text: &str, case: &Case) -> Result<Program, String> {
    let mut sources = Sources::new();
    let root = sources.add("script.smpc", text);
    diagnosed(&mut sources, root, case).map_err(|errors| {
        let lines = errors.iter().map(|e| shown(&sources, e));
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// The codes a script fails with; empty if it does not.
pub fn codes(text: &str) -> Vec<&'static str> {
    let mut sources = Sources::new();
    let root = sources.add("script.smpc", text);
    match diagnosed(&mut sources, root, &Case::default()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|e| e.code).collect(),
    }
}

fn diagnosed(sources: &mut Sources, root: FileId, case: &Case) -> Result<Program, Vec<Diagnostic>> {
    let mut families = BTreeMap::new();
    for given in &case.given {
        if let Some((family, _)) = given.party.split_once('[') {
            let members = case
                .given
                .iter()
                .filter(|g| g.file == given.file && g.party.starts_with(&format!("{family}[")));
            families.insert(family.to_owned(), members.count());
        }
    }
    let options = smpc_check::Options {
        families,
        ..smpc_check::Options::default()
    };
    let text = sources
        .get(root)
        .map(|f| f.text.clone())
        .unwrap_or_default();
    let parsed = smpc_grammar::parse(root, &text);
    let tests = (root, &parsed.module);
    let syntax = parsed.diagnostics.clone();
    let none = &smpc_check::NoFiles;
    smpc_check::check_tests(sources, tests, syntax, none, &options, &|_| true)?;
    smpc_check::check(sources, root, none, &options).map(|checked| checked.program)
}

/// One diagnostic on one line: place, code, message.
pub fn shown(sources: &Sources, error: &Diagnostic) -> String {
    let (name, line) = sources.get(error.span.file).map_or(("?", 0), |file| {
        let before = file.text.get(..error.span.start as usize).unwrap_or("");
        (file.name.as_str(), before.matches('\n').count() + 1)
    });
    let help = error.help.as_deref().unwrap_or("");
    format!("{name}:{line}: {} {} [{help}]", error.code, error.message)
}

/// What a run starts from, in the order of the program.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// By size variable.
    pub sizes: Vec<i128>,
    /// By parameter.
    pub params: Vec<i128>,
    /// By input: shape and elements; fixed point in units of 2^-64.
    pub inputs: Vec<(Vec<usize>, Vec<i128>)>,
}

impl Start {
    /// Gives a parameter, and the sizes it is, another value than its default.
    ///
    /// # Panics
    /// The program has no such parameter: a mistake in the test.
    pub fn set(&mut self, program: &Program, name: &str, value: i128) {
        let at = program.params.iter().position(|p| p.name == name);
        let at = at.expect("a parameter of the program");
        self.params[at] = value;
        for (size, known) in program.sizes.iter().zip(&mut self.sizes) {
            if size.origin == SizeOrigin::Param(at as u32) {
                *known = value;
            }
        }
    }
}

/// Finds the inputs of a program in what its case gives.
///
/// # Errors
/// One is missing, or a size has two values.
pub fn start(program: &Program, case: &Case) -> Result<Start, String> {
    let mut start = Start::default();
    for input in &program.inputs {
        let party = &program.parties[usize::from(input.party)];
        let given = case
            .given
            .iter()
            .find(|g| &g.party == party && g.file == input.file && g.column == input.column)
            .ok_or_else(|| format!("nothing given for {party}/{}", input.file))?;
        start
            .inputs
            .push((given.shape.clone(), elements(input, given)));
    }
    for param in &program.params {
        let value = param
            .default
            .ok_or_else(|| format!("no value for {}", param.name))?;
        start.params.push(value);
    }
    for size in &program.sizes {
        start.sizes.push(match size.origin {
            SizeOrigin::Input { input, axis } => {
                start.inputs[input as usize].0[usize::from(axis)] as i128
            }
            SizeOrigin::Param(param) => start.params[param as usize],
            SizeOrigin::Loop => 0,
        });
    }
    Ok(start)
}

fn elements(input: &Input, given: &Given) -> Vec<i128> {
    let element = |word: &String| match input.ty {
        Type::Fix(_) => fixed(word),
        Type::Bits(m) if input.text => {
            let bytes = usize::from(m) / 8;
            let padded = word.bytes().chain(std::iter::repeat(0)).take(bytes);
            padded
                .fold(0u128, |w, byte| w << 8 | u128::from(byte))
                .cast_signed()
        }
        _ => word.parse().expect("an integer"),
    };
    given.values.iter().map(element).collect()
}

/// What the shadow over exact reals answers.
///
/// # Errors
/// It cannot follow the program.
pub fn shadow(program: &Program, start: &Start) -> Result<Answers, String> {
    let inputs = program
        .inputs
        .iter()
        .zip(&start.inputs)
        .map(|(input, (shape, values))| {
            let data = match input.ty {
                Type::Int => Data::Int(values.clone()),
                Type::Fix(_) => {
                    Data::Real(values.iter().map(|v| *v as f64 / 2f64.powi(64)).collect())
                }
                Type::Bits(m) => Data::Bits(m, values.iter().map(|v| v.cast_unsigned()).collect()),
            };
            Array::new(shape.clone(), data)
        });
    let environment = Environment {
        sizes: start.sizes.clone(),
        params: start.params.clone(),
        inputs: inputs.collect(),
    };
    let outputs = smpc_audit::outputs(program, &environment)
        .map_err(|stopped| format!("the shadow stopped at {:?}", stopped.source))?;
    let mut answers = Answers::new();
    for output in outputs {
        answers
            .entry(output.name)
            .or_default()
            .extend(output.value.reals());
    }
    Ok(answers)
}

/// How answers differ from what is expected; empty if they agree.
pub fn differences(expected: &[Expected], answers: &Answers) -> Vec<String> {
    let mut wrong = Vec::new();
    for want in expected {
        let Some(found) = answers.get(&want.name) else {
            wrong.push(format!("no output {}", want.name));
            continue;
        };
        let near = |(w, f): (&f64, &f64)| (w - f).abs() <= want.within + want.relative * w.abs();
        if found.len() != want.values.len() || !want.values.iter().zip(found).all(near) {
            wrong.push(format!(
                "{}: expected {:?}, found {found:?}",
                want.name, want.values
            ));
        }
    }
    wrong
}
