//! Random runs through the interpreter's endpoints.

use super::standard::{bind, small};
use crate::correct::through;
use crate::*;
use smpc_interp::{Setup, simulate};
use smpc_ir::flat::Protocols;
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, Op, Program, Validated, validate};
use smpc_runtime::tensor::Tensor;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All endpoints of a run in this process.
pub(super) struct InProcess;

impl Endpoints for InProcess {
    fn run(&self, program: Validated<'_>, start: &Start) -> Result<Vec<Output>, String> {
        let inputs = start.inputs.iter().map(|given| {
            Some(Tensor::from_i128s(given.elem, &given.shape, &given.values).unwrap())
        });
        let setup = Setup {
            sizes: start.sizes.clone(),
            params: start.params.clone(),
            inputs: inputs.collect(),
            seed: Some(start.seed),
            ..Setup::default()
        };
        let outcome = simulate(program, setup).map_err(|error| error.to_string())?;
        let outputs = outcome.outputs.into_iter().map(|output| Output {
            values: output.value.to_i128s(),
            name: output.name,
            party: output.party,
        });
        Ok(outputs.collect())
    }
}

/// Every protocol of the library for which something is claimed, also where that is proved, gives what is claimed
/// when endpoints carry it out.
#[test]
fn endpoints_compute_what_is_claimed_of_every_protocol() {
    for (name, args) in [
        ("rep3", vec![]),
        ("additive", vec![("n", 2)]),
        ("shamir", vec![("n", 5)]),
        ("rep3_malicious", vec![]),
        ("rep3_malicious_ring", vec![]),
        ("fantastic4", vec![]),
        ("spdz", vec![("n", 3)]),
        ("spdz2k", vec![("n", 2)]),
        ("astra", vec![]),
        ("aby", vec![]),
        ("gmw", vec![("n", 3)]),
        ("securenn", vec![]),
    ] {
        let full = bind(name, &args);
        for (title, problem, _) in problems(&full, &[]) {
            if problem.skipped.is_some() {
                continue;
            }
            match through(&problem, 200, &InProcess).unwrap() {
                Some(Ok(tried)) => {
                    assert_eq!(tried.by, Runner::Endpoints);
                    // Of a table all elements are one run.
                    let least = if title.starts_with("shuffle") { 2 } else { 200 };
                    assert!(tried.runs >= least, "{name}, {title}: {}", tried.runs);
                }
                other => panic!("{name}, {title}: {other:?}"),
            }
        }
    }
}

/// Endpoints that carry out another program, or hand out something else.
struct Broken<P, O> {
    program: P,
    outputs: O,
}

impl<P: Fn(&mut Program) + Sync, O: Fn(&mut Vec<Output>) + Sync> Endpoints for Broken<P, O> {
    fn run(&self, program: Validated<'_>, start: &Start) -> Result<Vec<Output>, String> {
        let mut other = program.program().clone();
        (self.program)(&mut other);
        let mut outputs = InProcess.run(validate(&other).unwrap(), start)?;
        (self.outputs)(&mut outputs);
        Ok(outputs)
    }
}

const LIMITS: Limits = Limits {
    assignments: 1 << 19,
    runs: 2_000,
    samples: 100,
};

/// A protocol of a scheme that is not an identity of polynomials, and the same in small rings.
fn exhausted(name: &str, args: &[(&str, i128)], operation: &str) -> (Problem, Vec<Problem>) {
    let full = bind(name, args);
    let small = small(name, args, &full);
    let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
    let all = problems(&full, &small);
    let found = all.into_iter().find(|(title, _, _)| title == operation);
    let (_, problem, rings) = found.unwrap();
    (problem, rings)
}

/// The prover's own machine carries out the flat protocol, so it cannot see what endpoints do otherwise.
#[test]
fn a_step_that_endpoints_do_otherwise_is_found() {
    let (problem, rings) = exhausted("rep3", &[], "bit_to_ring");
    let done = correctness(&problem, &rings, &LIMITS).unwrap();
    assert!(matches!(done, Verdict::Exhausted(ref done) if done.by == Runner::Prover));
    let done = correctness_through(&problem, &rings, &LIMITS, &InProcess).unwrap();
    let Verdict::Exhausted(done) = done else {
        panic!("{done:?}");
    };
    assert_eq!((done.by, done.runs), (Runner::Endpoints, 2_000));
    let mut changed = 0;
    for nth in 0.. {
        let hit = AtomicUsize::new(0);
        let broken = Broken {
            program: |program: &mut Program| {
                let ring = |step: &smpc_ir::party::Step| {
                    let elem = program.values[step.results[0].0 as usize].elem;
                    matches!(elem, Elem::Ring(_)) && step.origin.is_some()
                };
                let minus = |step: &smpc_ir::party::Step| {
                    step.op == Op::Local(Local::Prim(Prim::Sub)) && ring(step)
                };
                let at = program.body.steps.iter().enumerate();
                let at = at
                    .filter(|(_, step)| minus(step))
                    .nth(nth)
                    .map(|(at, _)| at);
                if let Some(at) = at {
                    program.body.steps[at].op = Op::Local(Local::Prim(Prim::Add));
                    hit.store(1, Ordering::Relaxed);
                }
            },
            outputs: |_: &mut Vec<Output>| {},
        };
        let found = correctness_through(&problem, &rings, &LIMITS, &broken).unwrap();
        if hit.load(Ordering::Relaxed) == 0 {
            break;
        }
        changed += 1;
        assert!(matches!(found, Verdict::Wrong(_)), "{nth}: {found:?}");
    }
    assert!(changed > 0);
}

/// A kernel that is right on the first elements only, and a party whose copy is another one than the others have.
#[test]
fn one_element_of_a_vector_and_one_copy_of_a_component_matter() {
    let (problem, rings) = exhausted("rep3", &[], "msb");
    let broken = |copies: usize| {
        let broken = Broken {
            program: |_: &mut Program| {},
            outputs: move |outputs: &mut Vec<Output>| {
                let name = outputs[0].name.clone();
                let all = outputs.iter_mut().filter(|output| output.name == name);
                for output in all.take(copies) {
                    let last = output.values.last_mut().unwrap();
                    *last = 1 - *last;
                }
            },
        };
        match correctness_through(&problem, &rings, &LIMITS, &broken).unwrap() {
            Verdict::Wrong(wrong) => wrong.what,
            other => panic!("{other:?}"),
        }
    };
    let (all, one) = (broken(2), broken(1));
    assert_eq!(all, "the result is not the claimed value");
    assert!(one.contains("different copies of component"), "{one}");
}

/// What parties who follow the protocol compare is equal: a run that ends is none that is right.
#[test]
fn a_run_that_ends_is_wrong() {
    struct Ends;
    impl Endpoints for Ends {
        fn run(&self, _: Validated<'_>, _: &Start) -> Result<Vec<Output>, String> {
            Err("I33: somebody deviates".to_owned())
        }
    }
    let (problem, rings) = exhausted("rep3", &[], "msb");
    let found = correctness_through(&problem, &rings, &LIMITS, &Ends).unwrap();
    assert!(matches!(found, Verdict::Wrong(ref wrong) if wrong.what.contains("I33")));
}

/// A product is lifted to matrices too: an error that only these show is found.
#[test]
fn products_of_matrices_are_among_the_runs() {
    let (problem, rings) = exhausted("rep3", &[], "mul and trunc, one unit");
    let matrices = |program: &mut Program| {
        for step in &mut program.body.steps {
            if step.op == Op::Local(Local::MatMul) {
                // The left operand twice would have another shape: a product of zeros has the same one.
                let shape = program.values[step.results[0].0 as usize].shape.clone();
                assert_eq!(shape.len(), 2);
                step.op = Op::Local(Local::Constant(0));
                step.args.clear();
            }
        }
    };
    let broken = Broken {
        program: matrices,
        outputs: |_: &mut Vec<Output>| {},
    };
    let found = correctness_through(&problem, &rings, &LIMITS, &broken).unwrap();
    assert!(matches!(found, Verdict::Wrong(_)), "{found:?}");
}
