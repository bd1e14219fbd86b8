//! Random runs at full width through the parties' endpoints: the protocol is lowered as for a script, applied to
//! tensors, and carried out by one endpoint per party. Sharings of the operands are dealt here, and what the
//! endpoints hand out is put together here.

mod tensors;

use super::Claimed;
use super::trial::{Tally, Tried, wrong};
use crate::element::{literal, width};
use crate::endpoints::{Endpoints, Runner, Start};
use crate::operands::amount_params;
use crate::problem::{Malformed, Operand, Problem, Spec, operand_ids};
use crate::refute::first_elem;
use crate::sharing::{consistent, matrix, parities, reconstructed};
use crate::verdict::{Inputs, Wrong};
use smpc_ir::claim::Corruption;
use smpc_ir::flat::{
    Computing, Flat, FlatOp, Key, Kind, Missing, Protocols, Sharing, TruncMode, Want,
};
use smpc_ir::local::Local;
use smpc_ir::lower::{Alone, Handed, Lifted, lower_alone};
use smpc_ir::party::{Elem, Party, PartySet, Validated, validate};
use std::collections::HashMap;
use std::sync::Arc;

/// Elements of one vector, at most.
const LANES: u64 = 8_192;
/// Vectors with different public amounts.
const AMOUNTS: u64 = 16;
/// Rows and inner dimension of a matrix product, and its columns.
const MATRIX: (usize, usize) = (16, 4);
/// Matrix products.
const PRODUCTS: u64 = 4;
/// Rows and columns of a table whose rows change places.
const TABLE: (usize, usize) = (4, 16);
/// For so many runs on elements there is one of a protocol that is carried out as a whole.
const WHOLE: u64 = 100;
/// The most of these.
const MOST_WHOLE: u64 = 1_000;

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// So many elements, each a run.
    Vector(usize),
    /// A matrix product, each of its elements a run.
    Product,
    /// One run, of one element or of a table.
    Whole,
}

/// A backend of which lowering asks only what it needs of a protocol that it is given.
struct Backend<'p>(&'p Problem);

impl Protocols for Backend<'_> {
    fn computing(&self) -> &Computing {
        &self.0.computing
    }
    fn ring_bits(&self) -> u8 {
        width(first_elem(self.0))
    }
    fn trunc_mode(&self) -> TruncMode {
        TruncMode::default()
    }
    fn sharing(&self, elem: Elem) -> Result<Sharing, Missing> {
        Err(Missing(format!("nobody asks how {elem:?} is shared")))
    }
    fn protocol(&self, want: Want) -> Result<Arc<Flat>, Missing> {
        Err(Missing(format!("nobody asks for {want:?}")))
    }
    fn keys(&self) -> Vec<Key> {
        self.0.keys.clone()
    }
    fn corruption(&self) -> Vec<Corruption> {
        self.0.corruption.clone()
    }
}

/// How a protocol's runs go: whether it is one element at a time, and whether rows change places.
fn lifted(problem: &Problem) -> (Lifted, bool) {
    let flat = &problem.lowered;
    let kind = |id: u32| flat.values[id as usize].kind;
    if flat.values.iter().any(|v| v.kind == Kind::Rows) || problem.spec == Spec::Shuffle {
        return (Lifted::Rows, true);
    }
    let amounts: Vec<usize> = amount_params(problem).collect();
    let operands = flat.params.iter().enumerate();
    let mut operands = operands
        .filter(|(at, _)| !amounts.contains(at))
        .map(|(_, operand)| operand)
        .chain(&flat.results);
    let scalar = operands.any(|operand| {
        // One component that is a constant says nothing.
        let mut ids = operand_ids(operand).iter();
        ids.all(|id| kind(*id) == Kind::Scalar)
    });
    // Runs that may fail must not share a coin, or they fail together.
    let chance = flat.claims.ensures.iter().any(|e| e.except.is_some())
        || matches!(problem.spec, Spec::Trunc(_) | Spec::MulTrunc(_));
    let together = flat.steps.iter().any(|step| match &step.op {
        FlatOp::Local(Local::Sum { .. }) => true,
        FlatOp::Coin(_) => chance && kind(step.result) == Kind::Scalar,
        _ => false,
    });
    (Lifted::Elements, scalar || together)
}

fn bilinear(problem: &Problem) -> bool {
    let flat = &problem.lowered;
    let mut ids = flat.params.iter().flat_map(operand_ids);
    ids.any(|id| flat.values[*id as usize].kind == Kind::Left)
}

/// Random executions within what is required, by endpoints: how many there were, or a wrong one. `None` if the
/// protocol cannot be lowered by itself.
pub(crate) fn through(
    problem: &Problem,
    runs: u64,
    endpoints: &dyn Endpoints,
) -> Result<Option<Result<Tried, Box<Wrong>>>, Malformed> {
    let (lifted, whole) = lifted(problem);
    let Some(program) = Lifting::new(problem, lifted) else {
        return Ok(None);
    };
    let mut plans = Vec::new();
    if whole {
        let count = (runs / WHOLE).clamp(1, MOST_WHOLE);
        plans.extend((0..count).map(|_| Plan::Whole));
    } else {
        let amounts = amount_params(problem).next().is_some();
        let lanes = match amounts {
            true => runs.div_ceil(AMOUNTS).max(1),
            // As many in each of the vectors.
            false => runs.max(1).div_ceil(runs.max(1).div_ceil(LANES)),
        };
        let count = runs.div_ceil(lanes).max(1);
        plans.extend((0..count).map(|_| Plan::Vector(lanes as usize)));
    }
    let product = match bilinear(problem) && !whole {
        true => match Lifting::new(problem, Lifted::Matrices) {
            Some(product) => Some(product),
            None => return Ok(None),
        },
        false => None,
    };
    if product.is_some() {
        plans.extend((0..PRODUCTS).map(|_| Plan::Product));
    }
    let mut tally = Tally::new(problem, runs, Runner::Endpoints);
    let count = plans.len();
    for (at, plan) in plans.into_iter().enumerate() {
        let lifting = match (plan, &product) {
            (Plan::Product, Some(product)) => product,
            _ => &program,
        };
        let done = lifting.run(plan, (at, count), &mut tally, endpoints);
        if let Err(wrong) = done {
            return Ok(Some(Err(wrong)));
        }
    }
    Ok(Some(tally.finish()))
}

/// A program of the protocol and all that is needed to run it.
struct Lifting<'p> {
    problem: &'p Problem,
    lifted: Lifted,
    alone: Alone,
    params: Vec<Vec<Vec<u128>>>,
    parities: Vec<Vec<Vec<u128>>>,
}

impl<'p> Lifting<'p> {
    fn new(problem: &'p Problem, lifted: Lifted) -> Option<Self> {
        let (flat, backend) = (&problem.lowered, Backend(problem));
        let alone = lower_alone(flat, &problem.params, &problem.results, lifted, &backend).ok()?;
        validate(&alone.program).ok()?;
        let shared = |operand: &'p Operand| match operand {
            Operand::Shared(sharing) => Some(sharing),
            Operand::Clear { .. } => None,
        };
        let params = problem
            .params
            .iter()
            .map(|operand| shared(operand).map(matrix));
        let results = problem
            .results
            .iter()
            .map(|operand| shared(operand).map(parities));
        Some(Self {
            problem,
            lifted,
            alone,
            params: params.map(Option::unwrap_or_default).collect(),
            parities: results.map(Option::unwrap_or_default).collect(),
        })
    }

    /// One run, of which each lane is judged.
    fn run(
        &self,
        plan: Plan,
        number: (usize, usize),
        tally: &mut Tally<'_>,
        endpoints: &dyn Endpoints,
    ) -> Result<(), Box<Wrong>> {
        let Some(laid) = self.lay(plan, number, tally) else {
            return Ok(());
        };
        let start = self.start(&laid, number.0 as u64, &mut tally.random);
        let ended = |what: String| {
            let inputs = laid.lanes.first().cloned().unwrap_or_default();
            wrong(self.problem, inputs, Vec::new(), what)
        };
        // Made from a program that was validated when it was made.
        let Ok(program) = validate(&self.alone.program) else {
            return Ok(());
        };
        let outputs = self.outputs(program, &start, endpoints).map_err(ended)?;
        let rows = match self.lifted {
            Lifted::Rows => TABLE.0,
            _ => 1,
        };
        let mut opened = Vec::with_capacity(laid.lanes.len());
        for lane in 0..laid.lanes.len() {
            let mut got: Inputs = Vec::new();
            let mut fits = true;
            for result in 0..self.problem.results.len() {
                let at = |row: usize| row * laid.lanes.len() + lane;
                let mut words = Vec::with_capacity(rows);
                for row in 0..rows {
                    let (word, one) = self.open(&outputs, result, at(row));
                    words.push(word);
                    fits &= one;
                }
                got.push(words);
            }
            if !fits {
                let inputs = laid.lanes[lane].clone();
                let what = "the components of the result are no sharing".to_owned();
                return Err(wrong(self.problem, inputs, got.concat(), what));
            }
            opened.push(got);
        }
        if plan == Plan::Whole {
            return tally.whole(laid.lanes, opened, rows);
        }
        for (inputs, got) in laid.lanes.into_iter().zip(opened) {
            tally.judge(inputs, got, 1)?;
        }
        Ok(())
    }

    /// Runs it: the words of each output, of which all that were handed it have the same.
    fn outputs(
        &self,
        program: Validated<'_>,
        start: &Start,
        endpoints: &dyn Endpoints,
    ) -> Result<Vec<Vec<u128>>, String> {
        let handed = endpoints.run(program, start);
        let handed = handed.map_err(|error| format!("a run that nobody disturbs ends: {error}"))?;
        let mut copies: HashMap<(&str, u8), &[i128]> = HashMap::new();
        for output in &handed {
            copies.insert((&output.name, output.party), &output.values);
        }
        let mut all = Vec::new();
        for (at, output) in self.alone.outputs.iter().enumerate() {
            let name = at.to_string();
            let (what, elem, parties) = self.output(*output);
            let mut first: Option<&[i128]> = None;
            for party in parties {
                let Some(copy) = copies.get(&(name.as_str(), party)) else {
                    return Err(format!("party {party} was not handed {what}"));
                };
                if first.is_some_and(|first| first != *copy) {
                    return Err(format!("parties were handed different copies of {what}"));
                }
                first = Some(copy);
            }
            let words = first.unwrap_or_default().iter();
            all.push(words.map(|value| literal(elem, *value)).collect());
        }
        Ok(all)
    }

    /// What an output is, its element type, and which parties of the program are handed it.
    fn output(&self, output: Handed) -> (String, Elem, Vec<u8>) {
        let seated = |set: PartySet| -> Vec<u8> {
            let seats = self.alone.seats.iter().enumerate();
            let seats = seats.filter(|(at, _)| set.contains(Party(*at as u8)));
            seats.map(|(_, seat)| seat.0).collect()
        };
        match output {
            Handed::Key(key) => (format!("key {key}"), self.problem.keys[key].elem, vec![0]),
            Handed::Component(result, _) | Handed::Value(result) => {
                match (&self.problem.results[result], output) {
                    (Operand::Shared(sharing), Handed::Component(_, at)) => {
                        let what = format!("component {at} of result {result}");
                        (what, sharing.elem, seated(sharing.holders[at]))
                    }
                    (Operand::Shared(sharing), _) => (String::new(), sharing.elem, Vec::new()),
                    (Operand::Clear { elem, known_to }, _) => {
                        (format!("result {result}"), *elem, seated(*known_to))
                    }
                }
            }
        }
    }

    /// The value of a result in one place, and whether its components fit one another.
    fn open(&self, outputs: &[Vec<u128>], result: usize, at: usize) -> (u128, bool) {
        let word = |output: usize| {
            let words = &outputs[output];
            let scalar = if words.len() == 1 { 0 } else { at };
            words.get(scalar).copied()
        };
        let handed = self.alone.outputs.iter().enumerate();
        match &self.problem.results[result] {
            Operand::Clear { .. } => {
                let mut own = handed.filter(|(_, handed)| **handed == Handed::Value(result));
                let found = own.next().and_then(|(output, _)| word(output));
                (found.unwrap_or(0), found.is_some())
            }
            Operand::Shared(sharing) => {
                let mut words = Vec::with_capacity(sharing.holders.len());
                let mut keys = Vec::new();
                for (output, handed) in handed {
                    match handed {
                        Handed::Component(of, _) if *of == result => words.extend(word(output)),
                        Handed::Key(_) => keys.extend(outputs[output].first()),
                        _ => {}
                    }
                }
                let all = words.len() == sharing.holders.len();
                let value = reconstructed(sharing, words.iter().copied());
                let fits = all && consistent(sharing, &self.parities[result], &words, value, &keys);
                (value, fits)
            }
        }
    }
}

impl<'p> Tally<'p> {
    /// One run whose lanes are columns: each is right, and all rows are in one order.
    fn whole(
        &mut self,
        lanes: Vec<Inputs>,
        opened: Vec<Inputs>,
        rows: usize,
    ) -> Result<(), Box<Wrong>> {
        if let (Some(inputs), Some(got)) = (lanes.first(), opened.first())
            && !self.claimed.in_one_order(&lanes, &opened, rows)
        {
            let what = "columns are not in one order of the rows".to_owned();
            return Err(wrong(self.problem, inputs.clone(), got.concat(), what));
        }
        let before = self.done;
        for (inputs, got) in lanes.into_iter().zip(opened) {
            self.judge(inputs, got, rows)?;
        }
        self.done = before + 1;
        Ok(())
    }
}

impl Claimed {
    /// Whether there is an order for which each claim about orders holds in all columns.
    fn in_one_order(&self, lanes: &[Inputs], opened: &[Inputs], rows: usize) -> bool {
        let ensures = self.claims.iter().flat_map(|claims| &claims.ensures);
        ensures.into_iter().all(|ensures| {
            let columns = lanes.iter().zip(opened);
            let instances = columns.map(|(inputs, got)| self.instance(inputs, got));
            crate::claim::in_one_order(ensures, instances, rows)
        })
    }
}
