//! What a party sees of a multiplication tells nothing; take the mask out of the text and it does.
//! The engine runs both texts alike: privacy is in the file, not in the engine.

use std::collections::{BTreeMap, BTreeSet};

use smpc_grammar::Sources;
use smpc_ir::flat::{Flat, FlatOp, FlatOperand, Protocols, Want};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::Elem;
use smpc_protocol::Library;
use smpc_tests::case::Case;
use smpc_tests::pipeline::{checked, differences, start};
use smpc_tests::run::{Backend, run};

/// The library's three-party scheme under another name, with changes of the user's.
fn rep3(changes: &[(&str, &str)]) -> String {
    let mut text = smpc_stdlib::module("schemes/rep3")
        .expect("rep3")
        .text
        .to_owned();
    text = text
        .replace("Rep3", "Mine")
        .replace("backend rep3", "backend mine");
    for (from, to) in changes {
        assert!(text.contains(from), "the scheme no longer says `{from}`");
        text = text.replacen(from, to, 1);
    }
    text
}

const MASK: (&str, &str) = (
    " + r[i] - r[i-1];\n        P[i] -> P[i-1]: z[i];",
    ";\n        P[i] -> P[i-1]: z[i];",
);

/// A deterministic stream of words (SplitMix64, Steele, Lea, Flood, OOPSLA 2014).
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// One execution of a protocol of two sharings, with all parties in one place: the components of
/// the result, and the words that party 0 receives.
fn execute(flat: &Flat, x: &[u64], y: &[u64], coins: &mut Words) -> (Vec<u64>, Vec<u64>) {
    let mut values: BTreeMap<u32, u64> = BTreeMap::new();
    for (operand, given) in flat.params.iter().zip([x, y]) {
        let FlatOperand::Shared(ids) = operand else {
            panic!("a sharing")
        };
        values.extend(ids.iter().copied().zip(given.iter().copied()));
    }
    let mut received = Vec::new();
    for step in &flat.steps {
        let arg = |at: usize| values[&step.args[at]];
        let result = match &step.op {
            FlatOp::Bilinear => arg(0).wrapping_mul(arg(1)),
            FlatOp::Coin(_) => coins.next(),
            FlatOp::Send { to, .. } => {
                if to.iter().any(|party| party.0 == 0) {
                    received.push(arg(0));
                }
                arg(0)
            }
            FlatOp::Local(Local::Prim(Prim::Add)) => arg(0).wrapping_add(arg(1)),
            FlatOp::Local(Local::Prim(Prim::Sub)) => arg(0).wrapping_sub(arg(1)),
            FlatOp::Local(Local::Prim(Prim::Mul)) => arg(0).wrapping_mul(arg(1)),
            FlatOp::Local(Local::Prim(Prim::Neg)) => arg(0).wrapping_neg(),
            FlatOp::Local(Local::Constant(c)) => *c as u64,
            other => panic!("{other:?} in a multiplication"),
        };
        values.insert(step.result, result);
    }
    let FlatOperand::Shared(ids) = &flat.results[0] else {
        panic!("a sharing")
    };
    (ids.iter().map(|id| values[id]).collect(), received)
}

/// What party 0 sees in many executions on the same sharing of its own two components; `hidden` is
/// the component it does not hold.
fn views(text: &str, hidden: u64) -> Vec<u64> {
    let bound = Backend::written(text).bind().expect("the scheme binds");
    let flat = bound
        .protocol(Want::Mul(Elem::Ring(64)))
        .expect("a multiplication");
    let (x, y) = ([11, 22, hidden], [5, 6, hidden.wrapping_mul(3)]);
    let value = |c: &[u64]| c.iter().fold(0u64, |s, v| s.wrapping_add(*v));
    let mut coins = Words(1);
    (0..4096)
        .flat_map(|_| {
            let (z, received) = execute(&flat, &x, &y, &mut coins);
            assert_eq!(value(&z), value(&x).wrapping_mul(value(&y)), "the product");
            assert_eq!(received.len(), 1, "one element");
            received
        })
        .collect()
}

/// How far the frequency of the worst bit is from one half.
fn bias(view: &[u64]) -> f64 {
    let n = view.len() as f64;
    let share = |bit: u32| view.iter().filter(|v| *v >> bit & 1 == 1).count() as f64 / n;
    (0..64)
        .map(|bit| (share(bit) - 0.5).abs())
        .fold(0.0, f64::max)
}

#[test]
fn a_masked_view_is_uniform_whatever_the_input() {
    for hidden in [0, 1, u64::MAX] {
        let view = views(&rep3(&[]), hidden);
        assert_eq!(view.iter().collect::<BTreeSet<_>>().len(), view.len());
        assert!(bias(&view) < 0.04, "bias {}", bias(&view));
    }
}

#[test]
fn without_the_mask_the_view_is_the_input() {
    let text = rep3(&[MASK]);
    let (a, b) = (views(&text, 1), views(&text, 2));
    assert!(bias(&a) > 0.4);
    // One value for each input: party 0 can tell them apart.
    assert_eq!(a.iter().collect::<BTreeSet<_>>().len(), 1);
    assert_ne!(a[0], b[0]);
}

#[test]
fn without_the_mask_results_stay_right() {
    let (name, text) = smpc_tests::programs()
        .into_iter()
        .find(|(name, _)| name == "int_arithmetic")
        .expect("the program");
    let case = Case::read(&text);
    let program = checked(&text, &case).expect("it checks");
    let start = start(&program, &case).expect("its inputs");
    let bound = Backend::written(&rep3(&[MASK]))
        .bind()
        .expect("the scheme binds");
    let answers = run(&program, &start, &bound, 3).expect("it runs").answers;
    assert_eq!(
        differences(&case.expected, &answers),
        Vec::<String>::new(),
        "{name}"
    );
}

#[test]
fn without_the_send_the_checker_names_who_lacks_what() {
    let text = rep3(&[("        P[i] -> P[i-1]: z[i];\n", "")]);
    let mut sources = Sources::new();
    let file = sources.add("mine.smpc", &text);
    let mut library = Library::standard(&mut sources);
    assert_eq!(library.add(file, &text), []);
    let errors = library.check_file(file);
    let lacking = errors
        .iter()
        .find(|e| e.code == "K04")
        .expect("an error about knowledge");
    assert!(
        lacking.message.contains("z[") && lacking.message.contains("P["),
        "{}",
        lacking.message
    );
    assert!(lacking.help.is_some());
}
