//! Messages that are hidden by a mask on a range.

use super::{Checker, Refusal, refuse};
use crate::bounds::Bounds;
use crate::certificate::{Certificate, Goal, LEAST, Name};
use crate::problem::Problem;
use crate::term::Symbol;

impl Checker {
    /// Takes out of the view what is a mask on a range, plus or less what is small beside the range. Such a mask is in no other
    /// message, so that it is independent of all others and of the operands. Of a number drawn from B in a row, and
    /// the same number shifted by g, the distributions are |g| / B apart (statistical distance; as integers, and no further modulo
    /// anything), whatever g is.
    pub(super) fn hide(
        &mut self,
        problem: &Problem,
        certificate: &Certificate,
    ) -> Result<(), Refusal> {
        if certificate.ranges.is_empty() {
            return Ok(());
        }
        if certificate.goal != Goal::Privacy {
            return refuse("only messages may be hidden but for a small distance");
        }
        let bounds = Bounds::of(problem);
        for (number, range) in certificate.ranges.iter().enumerate() {
            let Some((kind, term)) = self.elements.get(&range.element).cloned() else {
                return refuse(format!("range {number}: no such element, or used before"));
            };
            // The same message to others is no further one.
            self.elements.retain(|_, (_, other)| *other != term);
            let Some(entry) = self.table.get_mut(&range.coin) else {
                return refuse(format!("range {number}: no such coin"));
            };
            if !std::mem::replace(&mut entry.pad, false) || entry.kind != kind {
                return refuse(format!("range {number}: {} is no mask of it", range.coin));
            }
            let coin = entry.symbol;
            let masks = self.terms.range_masks(&term);
            let Some(mask) = masks.into_iter().find(|mask| mask.symbol == coin) else {
                return refuse(format!(
                    "range {number}: {} does not stand alone",
                    range.coin
                ));
            };
            let mut others = self.elements.values();
            if others.any(|(_, other)| self.terms.mentions(other, coin)) {
                return refuse(format!("range {number}: {} is seen elsewhere", range.coin));
            }
            let bound = |symbol: Symbol| {
                let mut names = self.table.iter();
                match names.find(|(_, entry)| entry.symbol == symbol)?.0 {
                    Name::Value { param } => bounds.get(*param),
                    _ => None,
                }
            };
            let small = self.terms.hidden(&term, &mask, &self.known, &bound);
            let Some(small) = small else {
                return refuse(format!("range {number}: what it hides has no bound"));
            };
            let room = u32::from(mask.width).checked_sub(range.bits);
            let fits = room.is_some_and(|room| 1u128.checked_shl(room).is_none_or(|b| small <= b));
            if !fits || range.bits < LEAST {
                return refuse(format!("range {number}: the mask is too short"));
            }
        }
        Ok(())
    }
}
