//! Comparisons: of sizes as the numbers that they are, of bits by circuits, of everything else element by element.

use smpc_grammar::ast::Span;
use smpc_ir::local::Prim;
use smpc_ir::share::{Label, SizeInfo, SizeOrigin, Type};
use smpc_ir::size::{Size, SizeVar};

use crate::build::Elab;
use crate::ops::BOOL;
use crate::value::Leaf;

impl Elab<'_> {
    pub fn equal(&mut self, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        let (l, r) = self.pair(l, r, span)?;
        if let (Some(a), Some(b)) = (l.as_constant(), r.as_constant()) {
            return Some(Leaf::literal(i128::from(a == b), BOOL));
        }
        let secret = self.join(&[&l, &r], span)? == Label::Secret;
        match l.ty {
            BOOL => {
                let differ = self.prim(Prim::Add, &[&l, &r], BOOL, span)?;
                self.not(&differ, span)
            }
            Type::Bits(_) if secret => self.bits_call("bits_equal", l, r, span),
            _ => {
                let (a, b) = self
                    .exactly(&l, &r, false)
                    .unwrap_or((l.clone(), r.clone()));
                let same = self.prim(Prim::Eq, &[&a, &b], BOOL, span)?;
                Some(self.noted_comparison(same, false, &l, &r))
            }
        }
    }

    /// Whether a comparison of this size is to be one of the number that it is, and not of what a ring has of it: where a
    /// parameter, which may be any number, is more than itself.
    fn is_wide(&self, size: &Size) -> bool {
        let is_param = |(at, info): (usize, &SizeInfo)| {
            let var = u32::try_from(at).map(SizeVar);
            matches!(info.origin, SizeOrigin::Param(_)) && var.is_ok_and(|var| size.mentions(var))
        };
        size.as_var().is_none() && self.program.sizes.iter().enumerate().any(is_param)
    }

    /// The comparison of two sizes of which one [is wide](Self::is_wide) as one of small numbers.
    fn exactly(&mut self, l: &Leaf, r: &Leaf, less: bool) -> Option<(Leaf, Leaf)> {
        let (a, b) = (l.as_size()?, r.as_size()?);
        if !self.is_wide(a) && !self.is_wide(b) {
            return None;
        }
        let apart = match less {
            true => b - a,
            false => (b - a).larger(&(a - b)),
        };
        let apart = apart.smaller(&Size::one()).larger(&Size::zero());
        Some((Leaf::size(Size::zero()), Leaf::size(apart)))
    }

    pub fn less(&mut self, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        let (l, r) = self.pair(l, r, span)?;
        if let (Some(a), Some(b)) = (l.as_constant(), r.as_constant())
            && !matches!(l.ty, Type::Bits(_))
        {
            return Some(Leaf::literal(i128::from(a < b), BOOL));
        }
        let secret = self.join(&[&l, &r], span)? == Label::Secret;
        match l.ty {
            BOOL => {
                let not = self.not(&l, span)?;
                self.prim(Prim::Mul, &[&not, &r], BOOL, span)
            }
            Type::Bits(_) if secret => self.bits_call("bits_less", l, r, span),
            _ => {
                let (a, b) = self.exactly(&l, &r, true).unwrap_or((l.clone(), r.clone()));
                let less = self.prim(Prim::Lt, &[&a, &b], BOOL, span)?;
                Some(self.noted_comparison(less, true, &l, &r))
            }
        }
    }
}
