//! What leaves an endpoint, what happens when one fails, and that a seed decides everything.

mod programs;

use programs::*;
use smpc_interp::{Account, RunError, Setup, endpoint, simulate};
use smpc_ir::local::Prim;
use smpc_ir::party::{Party, Program, validate};
use smpc_runtime::channel::{Channel, ChannelError, Traffic, in_memory};

/// A channel that keeps what it sends, and damages the message of one number.
struct Watched<C> {
    inner: C,
    sent: Vec<(usize, Vec<u8>)>,
    cut: Option<usize>,
}

impl<C: Channel> Channel for Watched<C> {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.sent.push((peer, contents.to_vec()));
        let shorter = usize::from(self.cut == Some(self.sent.len()));
        self.inner.send(peer, &contents[..contents.len() - shorter])
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.inner.receive(peer, length)
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}

type Watch = (Result<Account, RunError>, Vec<(usize, Vec<u8>)>);

/// Every endpoint's account and what it sent. Endpoint 0 damages its message number `cut`.
fn watch(program: &Program, setup: &Setup, cut: Option<usize>) -> Vec<Watch> {
    let valid = validate(program).unwrap();
    std::thread::scope(|scope| {
        let run = |(i, inner)| {
            scope.spawn(move || {
                let mut channel = Watched {
                    inner,
                    sent: vec![],
                    cut: cut.filter(|_| i == 0),
                };
                let account = endpoint(valid, Party(i as u8), setup, &mut channel);
                (account, channel.sent)
            })
        };
        let threads: Vec<_> = in_memory(3).into_iter().enumerate().map(run).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

/// The square of an input of [n], opened or not.
fn square(open: bool) -> Program {
    let mut b = Build::new();
    let x = b.input(&[n()]);
    let x = b.share(x);
    let y = b.mul(x, x);
    if open {
        let y = b.reveal(y);
        b.output("y", y);
    }
    b.finish()
}

fn setup(values: &[i128], seed: Option<u64>) -> Setup {
    Setup {
        sizes: vec![values.len() as i128, 0],
        inputs: vec![ints(&[values.len()], values)],
        seed,
        ..Setup::default()
    }
}

#[test]
fn every_message_of_a_product_is_uniform() {
    let program = square(false);
    const COUNT: usize = 4096;
    for value in [0, 1, -1] {
        let watched = watch(&program, &setup(&[value; COUNT], None), None);
        let mut seen = 0;
        for (account, sent) in watched {
            account.unwrap();
            for contents in sent
                .iter()
                .flat_map(|(_, message)| message.chunks_exact(8 * COUNT))
            {
                seen += 1;
                let ones: u32 = contents.iter().map(|b| b.count_ones()).sum();
                // Six standard deviations of 2^18 fair bits about the mean.
                let (mean, deviation) = (1i64 << 17, 256i64);
                assert!((i64::from(ones) - mean).abs() < 6 * deviation, "{ones}");
            }
        }
        // Keys are shorter; party 0 deals to two, and each party sends its product's component.
        assert_eq!(seen, 2 + 3);
    }
}

#[test]
fn a_seed_decides_every_message() {
    let program = square(true);
    let messages = |seed| -> Vec<_> {
        let watched = watch(&program, &setup(&[3, 4], seed), None);
        watched
            .into_iter()
            .map(|(account, sent)| {
                assert_eq!(account.unwrap().outputs[0].value.to_i128s(), [9, 16]);
                sent
            })
            .collect()
    };
    assert_eq!(messages(Some(1)), messages(Some(1)));
    assert_ne!(messages(Some(1)), messages(Some(2)));
    assert_ne!(messages(None), messages(None));
}

#[test]
fn a_message_of_the_wrong_length_ends_the_run_everywhere() {
    let program = square(true);
    let setup = setup(&[3, 4], Some(1));
    let total = watch(&program, &setup, None)[0].1.len();
    for cut in 1..=total {
        let watched = watch(&program, &setup, Some(cut));
        let errors: Vec<RunError> = watched.into_iter().filter_map(|w| w.0.err()).collect();
        assert!(
            errors.iter().any(|e| e.code == "I31" && !e.consequence),
            "{cut}: {errors:?}"
        );
    }
}

#[test]
fn the_first_error_of_an_endpoint_is_the_run_s() {
    let mut b = Build::new();
    let x = b.input(&[n()]);
    let x = b.share(x);
    // Party 1 alone divides by zero; the others wait for its messages.
    let (one, zero) = (b.constant(1, set(&[1])), b.constant(0, set(&[1])));
    let bad = b.prim(Prim::Div, &[one, zero], RING, set(&[1]));
    let at = b.block.steps.last().unwrap().source;
    let bad = b.send(bad, 1, &[0, 2]);
    b.output("bad", bad);
    let y = b.mul(x, x);
    let y = b.reveal(y);
    b.output("y", y);
    let program = b.finish();
    let error = simulate(validate(&program).unwrap(), setup(&[1, 2], None)).unwrap_err();
    assert_eq!((error.code, error.party, error.source), ("I30", 1, at));
    assert!(error.message.contains("division by zero"), "{error}");
}

#[test]
fn a_missing_or_misshapen_input_is_an_error() {
    let program = square(true);
    let valid = validate(&program).unwrap();
    let mut missing = setup(&[1], None);
    missing.inputs = vec![];
    let mut longer = setup(&[1], None);
    longer.inputs = vec![ints(&[2], &[1, 2])];
    for wrong in [missing, longer] {
        assert_eq!(simulate(valid, wrong).unwrap_err().code, "I32");
    }
}
