//! A checked script under a backend: lowered, validated and simulated.

use std::collections::BTreeMap;

use smpc_grammar::Sources;
use smpc_interp::{Counts, Outcome, Setup};
use smpc_ir::party::{Cost, Elem};
use smpc_ir::share::{Program, Type};
use smpc_ir::{Size, SizeVar, flat::Protocols, lower, party};
use smpc_protocol::{Bound, Library};
use smpc_runtime::Tensor;

use crate::pipeline::{Answers, Start, shown};

/// A backend with its arguments, and its text if it is not one of the library's.
#[derive(Clone, Debug)]
pub struct Backend {
    /// As `--scheme` names it.
    pub name: String,
    /// `n`, `k`.
    pub args: Vec<(String, i128)>,
    /// A scheme file of the user's.
    pub text: Option<String>,
}

impl Backend {
    /// One of the library's.
    pub fn new(name: &str, args: &[(&str, i128)]) -> Self {
        Self {
            name: name.to_owned(),
            args: args.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
            text: None,
        }
    }

    /// One whose file the user wrote.
    pub fn written(text: &str) -> Self {
        Self {
            name: String::new(),
            args: Vec::new(),
            text: Some(text.to_owned()),
        }
    }

    /// Binds it.
    ///
    /// # Errors
    /// The diagnostics, as text.
    pub fn bind(&self) -> Result<Bound, String> {
        let mut sources = Sources::new();
        let bound = self.bound(&mut sources);
        bound.map_err(|errors| {
            let lines = errors.iter().map(|e| shown(&sources, e));
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    fn bound(&self, sources: &mut Sources) -> Result<Bound, Vec<smpc_grammar::Diagnostic>> {
        let mut library = Library::standard(sources);
        let name = match &self.text {
            Some(text) => {
                let file = sources.add("mine.smpc", text);
                let errors = library.add(file, text);
                if !errors.is_empty() {
                    return Err(errors);
                }
                library.only_backend(file).unwrap_or_default()
            }
            None => self.name.clone(),
        };
        library.bind(&name, &self.args, None)
    }
}

/// What a simulation answered and moved.
#[derive(Debug)]
pub struct Run {
    /// Outputs; where several parties get one, all have the same.
    pub answers: Answers,
    /// The same as integers; fixed point in units of 2^-64.
    pub exact: BTreeMap<String, Vec<i128>>,
    /// What was counted.
    pub counted: Traffic,
    /// What the cost formulas evaluate to at the run's sizes.
    pub predicted: Traffic,
}

/// Rounds, messages and bytes of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Online rounds.
    pub rounds: i128,
    /// Online messages of all parties.
    pub messages: i128,
    /// Online bytes sent, by party.
    pub bytes: Vec<i128>,
    /// Offline bytes sent, by party.
    pub offline_bytes: Vec<i128>,
}

impl Traffic {
    fn counted(outcome: &Outcome) -> Self {
        let wide = |list: &[u64]| list.iter().map(|n| i128::from(*n)).collect();
        Self {
            rounds: i128::from(outcome.rounds),
            messages: i128::from(outcome.messages),
            bytes: wide(&outcome.bytes),
            offline_bytes: wide(&outcome.offline_bytes),
        }
    }

    /// The formulas at the sizes of a run, and at the counts that only the run decides.
    fn predicted(cost: &Cost, sizes: &[i128], counts: &Counts) -> Result<Self, String> {
        let value = |size: &Size| {
            let known = |var: SizeVar| match cost.opaque.iter().any(|one| one.var == var) {
                true => Some(counts.get(&var).map_or(0, |n| i128::from(*n))),
                false => sizes.get(var.0 as usize).copied(),
            };
            size.evaluate(&known).map_err(|e| format!("{e:?}"))
        };
        let values = |list: &[Size]| list.iter().map(value).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            rounds: value(&cost.rounds)?,
            messages: values(&cost.messages)?.iter().sum(),
            bytes: values(&cost.bytes)?,
            offline_bytes: values(&cost.offline_bytes)?,
        })
    }
}

/// What the backend lacks for a program, if that is all that keeps it from running: an operation or
/// a type that its scheme does not provide.
pub fn lacking(program: &Program, bound: &Bound) -> Option<String> {
    let errors = lower::lower(program, bound, lower::Options::default()).err()?;
    let lacks = |e: &lower::Error| [lower::NO_PROTOCOL, lower::NO_CARRIER].contains(&e.code);
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    errors.iter().all(lacks).then(|| text.join("\n"))
}

/// Lowers a checked program for a backend and simulates it.
///
/// # Errors
/// Whatever stops it, as text.
pub fn run(program: &Program, start: &Start, bound: &Bound, seed: u64) -> Result<Run, String> {
    let lowered = lower::lower(program, bound, lower::Options::default()).map_err(|errors| {
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    let valid = party::validate(&lowered).map_err(|error| format!("not valid: {error:?}"))?;
    let mut inputs = Vec::new();
    for (input, (shape, values)) in program.inputs.iter().zip(&start.inputs) {
        let elem = match input.ty {
            Type::Int => Elem::Ring(bound.ring_bits()),
            Type::Bits(m) => Elem::Bits(m),
            Type::Fix(_) => Elem::Fix,
        };
        let tensor = Tensor::from_i128s(elem, shape, values).map_err(|e| format!("{e:?}"))?;
        inputs.push(Some(tensor));
    }
    let cost = party::cost(valid);
    let setup = Setup {
        sizes: start.sizes.clone(),
        params: start.params.clone(),
        inputs,
        seed: Some(seed),
        ..Setup::default()
    };
    let outcome = smpc_interp::simulate(valid, setup)
        .map_err(|e| format!("{} {} at {:?}", e.code, e.message, e.source))?;
    let counted = Traffic::counted(&outcome);
    let predicted = Traffic::predicted(&cost, &start.sizes, &outcome.counts)?;
    type Exact = BTreeMap<String, Vec<i128>>;
    let mut by_party: BTreeMap<u8, Exact> = BTreeMap::new();
    let mut units = BTreeMap::new();
    for output in outcome.outputs {
        let unit = match output.value.elem() {
            Elem::Fix => 2f64.powi(64),
            _ => 1.0,
        };
        units.insert(output.name.clone(), unit);
        let answers = by_party.entry(output.party).or_default();
        let values = answers.entry(output.name).or_default();
        values.extend(output.value.to_i128s());
    }
    let mut exact = Exact::new();
    for (name, values) in by_party.into_values().flatten() {
        match exact.get(&name) {
            Some(first) if *first != values => {
                return Err(format!("{name}: two parties got {first:?} and {values:?}"));
            }
            _ => exact.insert(name, values),
        };
    }
    let real = |(name, values): (&String, &Vec<i128>)| {
        let unit = units.get(name).copied().unwrap_or(1.0);
        (
            name.clone(),
            values.iter().map(|v| *v as f64 / unit).collect(),
        )
    };
    Ok(Run {
        answers: exact.iter().map(real).collect(),
        exact,
        counted,
        predicted,
    })
}
