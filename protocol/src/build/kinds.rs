//! Kinds of values: which are alike, and which follow.

use super::*;

impl Builder {
    fn root(&self, mut var: KindVar) -> KindVar {
        while let Slot::Link(next) = self.kinds[var as usize] {
            var = next;
        }
        var
    }

    /// The kind, if it is known by now.
    pub fn kind(&self, id: Id) -> Option<Kind> {
        self.resolved(self.info(id).kind)
    }

    pub fn resolved(&self, var: KindVar) -> Option<Kind> {
        match self.kinds[self.root(var) as usize] {
            Slot::Known(kind) => Some(kind),
            _ => None,
        }
    }

    /// A kind that is found out later; the operands' shape where nothing is bilinear.
    pub fn open_kind(&mut self) -> KindVar {
        if !self.bilinear {
            return known_kind(Kind::Element);
        }
        self.kinds.push(Slot::Free);
        (self.kinds.len() - 1) as KindVar
    }

    pub fn unify(&mut self, a: KindVar, b: KindVar) -> Result<KindVar, Fault> {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return Ok(a);
        }
        match (self.kinds[a as usize], self.kinds[b as usize]) {
            (Slot::Known(x), Slot::Known(y)) => Err(Fault::Kinds(x, y)),
            (Slot::Free, _) => {
                self.kinds[a as usize] = Slot::Link(b);
                Ok(b)
            }
            _ => {
                self.kinds[b as usize] = Slot::Link(a);
                Ok(a)
            }
        }
    }

    /// The shape of two operands of which scalars are broadcast.
    pub(super) fn meet(&mut self, a: KindVar, b: KindVar) -> Result<KindVar, Fault> {
        match (self.resolved(a), self.resolved(b)) {
            (Some(Kind::Scalar), _) => Ok(b),
            (_, Some(Kind::Scalar)) => Ok(a),
            _ => self.unify(a, b),
        }
    }

    /// Components of one sharing have one shape.
    pub fn same_shape(&mut self, ids: &[Id]) -> Result<(), Fault> {
        let mut shape = None;
        for &id in ids {
            let kind = self.info(id).kind;
            if self.resolved(kind) == Some(Kind::Scalar) {
                continue;
            }
            shape = Some(match shape {
                None => kind,
                Some(other) => self.unify(kind, other)?,
            });
        }
        Ok(())
    }

    /// Finds the kinds of products from those of their operands and results.
    pub fn solve(&mut self) -> Result<(), Fault> {
        let pending = std::mem::take(&mut self.pending);
        let mut rest = Vec::new();
        for &at in &pending {
            if !self.solve_one(at)? {
                rest.push(at);
            }
        }
        let progress = rest.len() < pending.len();
        self.pending = rest;
        if progress && !self.pending.is_empty() {
            return self.solve();
        }
        Ok(())
    }

    fn solve_one(&mut self, at: usize) -> Result<bool, Fault> {
        let step = &self.steps[at];
        let (a, b, r) = (
            self.info(step.args[0]).kind,
            self.info(step.args[1]).kind,
            self.info(step.result).kind,
        );
        let known = (self.resolved(a), self.resolved(b), self.resolved(r));
        let one_shape = |kind| matches!(kind, Some(Kind::Product | Kind::Element | Kind::Rows));
        match known {
            (Some(Kind::Left), _, _) | (_, Some(Kind::Right), _) => {
                self.unify(a, known_kind(Kind::Left))?;
                self.unify(b, known_kind(Kind::Right))?;
                self.unify(r, known_kind(Kind::Product))?;
            }
            (Some(Kind::Right), _, _) | (_, Some(Kind::Left), _) => {
                self.unify(a, known_kind(Kind::Right))?;
                self.unify(b, known_kind(Kind::Left))?;
                self.unify(r, known_kind(Kind::Product))?;
            }
            (x, y, _) if one_shape(x) || one_shape(y) => {
                let both = self.unify(a, b)?;
                self.unify(both, r)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
