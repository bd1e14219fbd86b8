//! Products, their truncation, and when it happens.

use super::instantiate::{Binding, Operand, amount_is_offline};
use super::{Failed, Lower, Lowered, Lowerer, Map, Pending, Shared};
use crate::flat::{TruncMode, Want};
use crate::local::{Local, Prim};
use crate::party::{Elem, Op, Value as Wire};
use crate::share::{Type, Value};
use crate::size::Size;

/// Bits of a public factor beyond those that keep the headroom.
const TAIL: u8 = 16;

/// Integers below 2^SMALL take a public factor without truncation.
const SMALL: u8 = 4;

fn fraction(ty: Type) -> u8 {
    if let Type::Fix(f) = ty { f } else { 0 }
}

impl Lowerer<'_> {
    /// How a value may be truncated as it is computed. A local truncation fails with a chance that grows with what is truncated; it is
    /// for a script's own products, whose sizes its author knows. The library uses the ring up to its ends.
    pub(super) fn mode(&self, value: Value) -> TruncMode {
        match self.protocols.trunc_mode() {
            TruncMode::Local if self.script_info(value).library => TruncMode::OneUnit,
            mode => mode,
        }
    }

    /// a times b, at least one of them secret.
    pub(super) fn product(
        &mut self,
        map: Map,
        a: Value,
        b: Value,
        result: Value,
    ) -> Lower<Lowered> {
        let (x, y) = (self.script_info(a), self.script_info(b));
        let shape = &self.script_info(result).shape;
        if self.is_secret(a) && self.is_secret(b) {
            let (left, right) = (self.shared(a)?, self.shared(b)?);
            let excess = (fraction(x.ty) + fraction(y.ty))
                .saturating_sub(fraction(self.script_info(result).ty));
            let pending = Pending {
                left,
                left_shape: x.shape.clone(),
                right,
                right_shape: y.shape.clone(),
                map,
                shape: shape.clone(),
                fraction: excess,
                mode: self.mode(result),
                product: None,
            };
            if excess > 0 {
                return Ok(Lowered::Pending(Box::new(pending)));
            }
            return Ok(Lowered::Secret(self.multiply(&pending)?));
        }
        let (secret, public, secret_first) = if self.is_secret(a) {
            (a, b, true)
        } else {
            (b, a, false)
        };
        let local = match map {
            Map::Elementwise => Local::Prim(Prim::Mul),
            Map::MatMul => Local::MatMul,
        };
        let shared = self.shared(secret)?;
        let factor = self.public(public)?;
        let (secret_type, public_info) = (self.script_info(secret).ty, self.script_info(public));
        let everyone = self.emit.everyone();
        let mode = self.mode(result);
        let times = |this: &mut Self, factor: Wire| {
            let components = shared
                .components
                .iter()
                .map(|c| {
                    let args = if secret_first {
                        [*c, factor]
                    } else {
                        [factor, *c]
                    };
                    this.emit.local(local.clone(), &args, shared.elem, shape)
                })
                .collect();
            Shared {
                elem: shared.elem,
                components,
            }
        };
        Ok(Lowered::Secret(match (secret_type, public_info.ty) {
            // A few small integers times a factor: its f fraction bits are all the result can show.
            (Type::Int, Type::Fix(f)) if self.widths.get(secret).is_some_and(|w| w <= SMALL) => {
                let ring = Elem::Ring(self.ring);
                let factor = self.encode(factor, f, ring, &public_info.shape, everyone);
                times(self, factor)
            }
            (_, Type::Fix(f)) => {
                // An integer has the f fraction bits of the product still to come.
                let present = fraction(secret_type);
                let terms =
                    self.factor_terms(public, factor, (f, present), &public_info.shape, mode)?;
                let mut total: Option<Shared> = None;
                for (term, amount) in terms {
                    let product = times(self, term);
                    let term = match amount {
                        Some(amount) => {
                            let rounded = self.plus_half(&product, amount, shape, mode)?;
                            self.truncate(&rounded, amount, shape, mode)?
                        }
                        None => product,
                    };
                    total = Some(match total {
                        Some(sum) => self.add(Prim::Add, &sum, &term, shape),
                        None => term,
                    });
                }
                total.ok_or(Failed)?
            }
            (_, Type::Int) => {
                let factor = self.carry(factor, &public_info.shape, everyone);
                times(self, factor)
            }
            _ => times(self, factor),
        }))
    }

    /// A public factor as ring elements, each with the number of bits by which its product is
    /// truncated (none: not at all). The secret has `present` fraction bits, the product f.
    ///
    /// A literal with few bits is one exact term. Any other factor is two or three terms: its leading
    /// bits, as many as keep the headroom of a product of two secrets, and what [`Self::factor_bits`]
    /// adds. The products are truncated apart, in the same rounds, so that neither precision nor
    /// headroom is lost: a factor of 7.4e-6 keeps 32 significant bits.
    ///
    /// A one-unit truncation has mean error 0 because the low bits of a share are random. They are so after a product
    /// with an odd number only: twice a share has one bit less, and a term of 0 would always give 1, a
    /// unit in every step of a training. Hence terms are odd, and the next one makes up for it. The one term of a literal
    /// is odd by itself; cut by b bits, its mean error is 2^-b units.
    pub(super) fn factor_terms(
        &mut self,
        value: Value,
        factor: Wire,
        (f, present): (u8, u8),
        shape: &[Size],
        mode: TruncMode,
    ) -> Lower<Vec<(Wire, Option<Wire>)>> {
        let everyone = self.emit.everyone();
        let (ring, word) = (Elem::Ring(self.ring), Elem::Ring(64));
        let missing = f.saturating_sub(present);
        // max(0, -ceil(log2 |c|)), as `FractionBits` has it.
        let leading = |c: i128| {
            let magnitude = c.unsigned_abs().saturating_sub(1);
            u8::try_from(magnitude.leading_zeros().saturating_sub(64)).unwrap_or(64)
        };
        let literal = self.literals.get(&value).copied();
        if let Some(literal) = literal
            && let Some(bits) = Self::exact_bits(literal, self.most_bits(f))
            && bits <= f + leading(literal)
        {
            let bits = bits.max(missing);
            let term = self.encode(factor, bits, ring, shape, everyone);
            let amount = (bits > missing).then(|| self.emit.amount(bits - missing));
            return Ok(vec![(term, amount)]);
        }
        // The product of an integer and a factor of 1 or more has nothing to truncate: one bit of
        // the headroom makes the amount positive.
        let least = if missing > 0 { f + 1 } else { f };
        let places = match literal {
            Some(literal) => {
                let first = (least + leading(literal)).min(self.most_bits(least));
                vec![self.emit.amount(first), self.emit.amount(first + TAIL)]
            }
            None => self.factor_bits(factor, least, mode)?,
        };
        let mut rest = factor;
        let mut terms = vec![];
        for (at, bits) in places.iter().enumerate() {
            let encode = Local::Prim(Prim::Encode);
            let term = self
                .emit
                .local_at(encode, &[rest, *bits], ring, shape, everyone);
            let term = self.odd(term, shape, mode);
            if at + 1 < places.len() {
                let decode = Local::Prim(Prim::Decode);
                let told = self
                    .emit
                    .local_at(decode, &[term, *bits], Elem::Fix, shape, everyone);
                rest = self.emit.prim(Prim::Sub, &[rest, told], Elem::Fix, shape);
            }
            let amount = match missing {
                0 => *bits,
                _ => {
                    let missing = self.emit.amount(missing);
                    self.emit.prim(Prim::Sub, &[*bits, missing], word, &[])
                }
            };
            terms.push((term, Some(amount)));
        }
        Ok(terms)
    }

    /// Whether the mean error of a truncation depends on the factor before it.
    fn wants_odd_factors(&self, mode: TruncMode) -> bool {
        mode == TruncMode::OneUnit && !self.bitwise()
    }

    /// A public integer with its lowest bit set.
    fn odd(&mut self, term: Wire, shape: &[Size], mode: TruncMode) -> Wire {
        if !self.wants_odd_factors(mode) {
            return term;
        }
        let ring = Elem::Ring(self.ring);
        let one = self.emit.amount(1);
        let half = self.emit.prim(Prim::Shr, &[term, one], ring, shape);
        let even = self.emit.prim(Prim::Shl, &[half, one], ring, shape);
        let unit = self.emit.local(Local::Constant(1), &[], ring, &[]);
        self.emit.prim(Prim::Add, &[even, unit], ring, shape)
    }

    /// The most fraction bits of a factor's leading term: its tail is truncated within the ring.
    fn most_bits(&self, f: u8) -> u8 {
        self.ring
            .saturating_sub(2)
            .saturating_sub(TAIL)
            .max(f)
            .min(64)
    }

    /// Fraction bits of the terms of a public factor. The leading term has f and as many more as the
    /// factor has leading zeros after the point; the next one has `TAIL` more. Where the truncation is
    /// prepared before the factor is known, nothing may depend on it: the leading term has f, which
    /// leaves the headroom of a product of two secrets, and two more terms have what a small factor
    /// has beyond.
    fn factor_bits(&mut self, factor: Wire, f: u8, mode: TruncMode) -> Lower<Vec<Wire>> {
        let prepared = if self.bitwise() {
            false
        } else {
            let want = Want::Trunc(Elem::Ring(self.ring), mode);
            let flat = self.protocol(want)?;
            amount_is_offline(&flat)
        };
        let more = self.emit.amount(TAIL);
        let word = Elem::Ring(64);
        if !self.emit.info(factor).offline && prepared {
            let step = TAIL * (self.ring / 64).max(1);
            let mut places: Vec<u8> = (0..3).map(|i| f + i * step).collect();
            places.retain(|bits| *bits == f || *bits <= self.ring.saturating_sub(2));
            return Ok(places.into_iter().map(|b| self.emit.amount(b)).collect());
        }
        let everyone = self.emit.everyone();
        let extra = self
            .emit
            .step(Op::FractionBits, &[factor], word, &[], everyone, true);
        let base = self.emit.amount(f);
        let wanted = self.emit.prim(Prim::Add, &[extra, base], word, &[]);
        let most = self.most_bits(f);
        let most = self.emit.amount(most);
        let fits = self
            .emit
            .prim(Prim::Lt, &[wanted, most], Elem::Bits(1), &[]);
        let first = self
            .emit
            .prim(Prim::Select, &[fits, wanted, most], word, &[]);
        let second = self.emit.prim(Prim::Add, &[first, more], word, &[]);
        Ok(vec![first, second])
    }

    /// Half a unit more, so that an exact truncation rounds to nearest: a floor would bias every
    /// product, and a factor's two terms twice. One-unit truncations have mean error 0 themselves.
    fn plus_half(
        &mut self,
        product: &Shared,
        amount: Wire,
        shape: &[Size],
        mode: TruncMode,
    ) -> Lower<Shared> {
        if mode != TruncMode::Exact {
            return Ok(product.clone());
        }
        let word = Elem::Ring(64);
        let one = self.emit.local(Local::Constant(1), &[], product.elem, &[]);
        let unit = self.emit.amount(1);
        let below = self.emit.prim(Prim::Sub, &[amount, unit], word, &[]);
        let half = self.emit.prim(Prim::Shl, &[one, below], product.elem, &[]);
        self.add_public(Prim::Add, product, half, shape)
    }

    /// A sharing in units finer by `amount` bits, brought back.
    pub(super) fn truncate(
        &mut self,
        shared: &Shared,
        amount: Wire,
        shape: &[Size],
        mode: TruncMode,
    ) -> Lower<Shared> {
        if self.bitwise() {
            return Ok(self.shifted_down(shared, amount, shape));
        }
        let want = Want::Trunc(shared.elem, mode);
        let args = [Operand::Shared(shared.clone()), Operand::Clear(amount)];
        self.shared_call(want, &args, &Binding::elements(shape))
    }

    /// The product as it is, untruncated.
    pub(super) fn multiply(&mut self, pending: &Pending) -> Lower<Shared> {
        let want = Want::Mul(pending.left.elem);
        let args = [
            Operand::Shared(pending.left.clone()),
            Operand::Shared(pending.right.clone()),
        ];
        self.shared_call(want, &args, &Self::binding(pending))
    }

    fn binding(pending: &Pending) -> Binding<'_> {
        Binding {
            left: &pending.left_shape,
            right: &pending.right_shape,
            product: &pending.shape,
            map: pending.map,
            outsider: None,
        }
    }

    /// The product in its base unit: in one protocol if the scheme has one and the product was not
    /// needed before.
    pub(super) fn truncated(&mut self, pending: &Pending) -> Lower<Shared> {
        let amount = self.emit.amount(pending.fraction);
        if let Some(product) = &pending.product {
            return self.truncate(product, amount, &pending.shape, pending.mode);
        }
        let want = Want::MulTrunc(pending.left.elem, pending.mode);
        if let Ok(flat) = self.protocols.protocol(want) {
            let args = [
                Operand::Shared(pending.left.clone()),
                Operand::Shared(pending.right.clone()),
                Operand::Clear(amount),
            ];
            let results = self.instantiate(&flat, &args, &Self::binding(pending), &mut None)?;
            return match results.into_iter().next() {
                Some(Operand::Shared(shared)) => Ok(shared),
                _ => Err(Failed),
            };
        }
        let product = self.multiply(pending)?;
        self.truncate(&product, amount, &pending.shape, pending.mode)
    }

    /// How many bits finer than its base unit a value is available without a truncation.
    pub(super) fn excess(&self, value: Value) -> u8 {
        match self.env.get(&value) {
            Some(Lowered::Pending(pending)) => pending.fraction,
            _ => 0,
        }
    }

    /// Whether a value in units `extra` bits finer is sure to be in the ring: a product as it is, or a
    /// literal as large as a product may be.
    pub(super) fn fits(&self, value: Value, extra: u8) -> bool {
        if extra == 0 || self.excess(value) == extra {
            return true;
        }
        let f = fraction(self.script_info(value).ty);
        let room = self.ring.saturating_sub(2).saturating_sub(f + extra);
        self.literals
            .get(&value)
            .and_then(|c| c.unsigned_abs().checked_shr(64))
            .is_some_and(|c| c >> room.min(127) == 0)
    }

    /// A value in units `extra` bits finer than its base unit; `extra` is 0 or a value's
    /// [`Self::excess`].
    pub(super) fn raised(&mut self, value: Value, extra: u8) -> Lower<Shared> {
        if let Some(Lowered::Pending(pending)) = self.env.get(&value)
            && pending.fraction == extra
        {
            let mut pending = pending.clone();
            let product = match &pending.product {
                Some(product) => product.clone(),
                None => self.multiply(&pending)?,
            };
            pending.product = Some(product.clone());
            let shape = pending.shape.clone();
            self.env.insert(value, Lowered::Pending(pending));
            return Ok(self.in_shape(product, &shape, value));
        }
        let shared = self.shared(value)?;
        if extra == 0 {
            return Ok(shared);
        }
        let shape = self.script_info(value).shape.clone();
        let amount = self.emit.amount(extra);
        Ok(self.map(
            &Local::Prim(Prim::Shl),
            &shared,
            &[amount],
            shared.elem,
            &shape,
        ))
    }

    /// The sum over an axis. Of a pending product it is an inner product: one truncation, one
    /// message per sum.
    pub(super) fn sum(&mut self, axis: u8, value: Value, result: Value) -> Lower<Lowered> {
        let shape = self.script_info(result).shape.clone();
        if let Some(Lowered::Pending(pending)) = self.env.get(&value)
            && pending.map == Map::Elementwise
            && pending.product.is_none()
        {
            let pending = pending.clone();
            return Ok(Lowered::Pending(Box::new(
                self.inner_product(*pending, axis, shape),
            )));
        }
        let shared = self.shared(value)?;
        let summed = self.map(&Local::Sum { axis }, &shared, &[], shared.elem, &shape);
        Ok(Lowered::Secret(summed))
    }

    fn inner_product(&mut self, pending: Pending, axis: u8, shape: Vec<Size>) -> Pending {
        let full = pending.shape.clone();
        let rank = full.len();
        let length = full[usize::from(axis)].clone();
        let mut axes: Vec<u8> = (0..rank as u8).filter(|a| *a != axis).collect();
        axes.push(axis);
        let moved: Vec<Size> = axes.iter().map(|a| full[usize::from(*a)].clone()).collect();
        let mut side = |shared: &Shared, last: [Size; 2]| {
            let fitted = self.fit(shared, &full);
            let turned = if usize::from(axis) + 1 == rank {
                fitted
            } else {
                let turn = Local::Transpose { axes: axes.clone() };
                self.map(&turn, &fitted, &[], fitted.elem, &moved)
            };
            let mut target = shape.clone();
            target.extend(last);
            let reshaped = self.map(&Local::Reshape, &turned, &[], turned.elem, &target);
            (reshaped, target)
        };
        let (left, left_shape) = side(&pending.left, [Size::one(), length.clone()]);
        let (right, right_shape) = side(&pending.right, [length, Size::one()]);
        let mut product = shape;
        product.extend([Size::one(), Size::one()]);
        Pending {
            left,
            left_shape,
            right,
            right_shape,
            map: Map::MatMul,
            shape: product,
            ..pending
        }
    }
}
