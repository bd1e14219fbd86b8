//! How wide the integers are that the library computes with.
//!
//! Its functions on raw integers, and approximations, are written for rings of 64 bits. On secrets they need a backend with such
//! a ring. In the clear they have one whatever the backend's is: what the library and control compute and carry in the clear has 64
//! bits at least, and is wrapped around to the backend's ring where it meets the script's own integers, shares, or an output.

use super::{Lower, Lowerer, NO_PROTOCOL, TOO_NARROW};
use crate::local::{Local, Prim};
use crate::party::{Elem, PartySet, Value as Wire};
use crate::share::{Op, Step, Type, Value};

/// The ring that the library's functions on raw integers are written for.
const LIBRARY_BITS: u8 = 64;

impl Lowerer<'_> {
    /// Refuses raw integers of secrets in a smaller ring, where constants and products would lose the upper bits, and clear ones of
    /// which the library takes more bits than there are, as it does of more than 16 fraction bits.
    pub(super) fn within_ring(&mut self, step: &Step) -> Lower<()> {
        let result = step.results[0];
        let wide = self.ring.max(LIBRARY_BITS);
        if let Some(m) = self.bits_taken(step)
            && !self.is_secret(result)
            && self.script_info(result).library
            && m > wide
        {
            return self.fail(NO_PROTOCOL, format!("{TOO_NARROW} {wide} bits, not {m}"));
        }
        let raw = matches!(step.op, Op::Raw | Op::FromRaw) && self.is_secret(result);
        let ring = self.ring;
        if !raw || !self.script_info(result).library || ring >= LIBRARY_BITS {
            return Ok(());
        }
        self.fail(
            NO_PROTOCOL,
            format!(
                "functions of the library and approximations need integers of {LIBRARY_BITS} bits for secrets, the backend's \
                 have {ring}: bind a larger ring (`k: 64`), or compute it with `+ - * <` of your own"
            ),
        )
    }

    /// How many bits a cast makes of an integer.
    fn bits_taken(&self, step: &Step) -> Option<u8> {
        let from = self.script_info(*step.args.first()?).ty;
        let to = self.script_info(step.results[0]).ty;
        match (&step.op, from, to) {
            (Op::Local(Local::Prim(Prim::Cast)), Type::Int, Type::Bits(m)) => Some(m),
            _ => None,
        }
    }

    /// The ring of clear integers that control carries, and in which the library computes: it holds every integer of the backend's.
    pub(super) fn wide(&self) -> Elem {
        Elem::Ring(self.ring.max(LIBRARY_BITS))
    }

    /// The ring in which a clear operation is carried out: the library's is wide, a script's own wraps around as shares do.
    pub(super) fn clear_ring(&self, result: Value) -> Elem {
        if self.script_info(result).library {
            self.wide()
        } else {
            self.clear_elem(Type::Int)
        }
    }

    /// A clear integer in another ring, wrapped around or with its sign; anything else as it is.
    pub(super) fn in_ring(&mut self, value: Wire, ring: Elem, at: PartySet) -> Wire {
        let info = self.emit.info(value).clone();
        if info.elem == ring || !matches!(info.elem, Elem::Ring(_)) {
            return value;
        }
        let cast = Local::Prim(Prim::Cast);
        self.emit.local_at(cast, &[value], ring, &info.shape, at)
    }
}
