//! Whether a backend's ring is wide enough for what the library computes with raw integers.

use super::{Lower, Lowerer, NO_PROTOCOL};
use crate::share::{Op, Step};

/// The ring that the library's functions on raw integers are written for.
const LIBRARY_BITS: u8 = 64;
/// What they need of clear integers, whose products are fixed point and exact: constants have 40 bits, values 43 before the point. Fields of
/// 61 bits, which carry integers only, have that.
const CLEAR_BITS: u8 = 60;

impl Lowerer<'_> {
    /// The library's functions on raw integers are written for 64 bits: of fewer, their constants and products lose the upper ones.
    pub(super) fn within_ring(&mut self, step: &Step) -> Lower<()> {
        let result = step.results[0];
        let raw = matches!(step.op, Op::Raw | Op::FromRaw);
        if !raw || !self.script_info(result).library {
            return Ok(());
        }
        let least = match self.is_secret(result) {
            true => LIBRARY_BITS,
            false => CLEAR_BITS,
        };
        let ring = self.ring;
        if ring >= least {
            return Ok(());
        }
        self.fail(
            NO_PROTOCOL,
            format!(
                "functions of the library and approximations need integers of {least} bits, the backend's have {ring}: \
                 bind a larger ring (`k: 64`), or compute it with `+ - * <` of your own"
            ),
        )
    }
}
