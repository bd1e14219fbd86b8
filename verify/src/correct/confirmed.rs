//! Whether a result that is wrong in a small ring is so at full width.

use super::Claimed;
use super::trial::{Consistent, LANES, Tally, outcome};
use crate::endpoints::Runner;
use crate::lift::{Skewed, lifts, same};
use crate::machine::{Choice, Machine, Random};
use crate::problem::{Malformed, Problem};
use crate::verdict::{Inputs, Wrong};

/// Operands at full width that are tried for those of one counter-example.
const LIFTS: usize = 24;
/// Times that all lanes run, with uniform coins.
const UNIFORM: usize = 16;
/// The same with coins of which many are small or at ends of the ring.
const SKEWED: usize = 16;

/// The counter-example at full width: what comes out there on the operands of a small ring, if any of it is wrong.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(super) fn confirmed(
    full: &Problem,
    small: &Problem,
    wrong: &Wrong,
) -> Result<Option<Box<Wrong>>, Malformed> {
    if same(full, small) {
        return Ok(Some(Box::new(wrong.clone())));
    }
    let mut machine = Machine::of_results(full, LANES)?;
    let (rows, claimed) = (machine.rows, Claimed::new(full));
    let mut admits = |inputs: &[Inputs]| inputs.iter().all(|own| claimed.required(own, rows));
    let found = lifts(full, small, &[&wrong.inputs], LIFTS, &mut admits);
    let consistent = Consistent::new(full);
    // What may fail is counted over uniform coins only; what may not must not on any.
    let tally = || Tally::new(full, 0, Runner::Prover);
    let (mut counted, mut held) = (tally(), tally());
    let (mut uniform, mut skewed) = (Random(0xacce), Skewed(Random(0x5c3d)));
    for inputs in found.into_iter().flatten() {
        for turn in 0..UNIFORM + SKEWED {
            let (choice, tally): (&mut dyn Choice, _) = match turn < UNIFORM {
                true => (&mut uniform, &mut counted),
                false => (&mut skewed, &mut held),
            };
            for lane in 0..LANES {
                machine.load(full, &inputs, lane, choice);
            }
            machine.run(choice);
            for lane in 0..LANES {
                let got = outcome(full, &machine, lane);
                if !consistent.holds(&machine, lane) {
                    return Ok(Some(Consistent::broken(full, inputs, got)));
                }
                if let Err(wrong) = tally.judge(inputs.clone(), got, rows) {
                    return Ok(Some(wrong));
                }
            }
        }
    }
    Ok(counted.finish().err())
}
