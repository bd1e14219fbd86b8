//! Operations on secrets: which are local, which are a protocol.

use super::instantiate::{Binding, Operand};
use super::{Failed, Lower, Lowered, Lowerer, Map, NO_PROTOCOL, Pending, Shared, TOO_NARROW};
use crate::flat::{Owner, TruncMode, Want};
use crate::local::{Local, Prim};
use crate::party::{Elem, Party, PartySet, Value as Wire};
use crate::share::{Audience, Op, Step, Type, Value};
use crate::size::Size;

impl Lowerer<'_> {
    /// A local operation of the script with a secret result.
    pub(super) fn secret(&mut self, step: &Step) -> Lower<Lowered> {
        let result = step.results[0];
        let info = self.script_info(result);
        self.carriable(info.ty)?;
        let elem = self.secret_elem(info.ty);
        let shape = info.shape.clone();
        let Op::Local(op) = &step.op else {
            // Raw and FromRaw: the same integer, read otherwise.
            return Ok(Lowered::Secret(self.shared(step.args[0])?));
        };
        Ok(Lowered::Secret(match op {
            Local::Constant(_) | Local::Data(_) | Local::Size(_) | Local::Iota => {
                let everyone = self.emit.everyone();
                let clear = self.clear_elem(info.ty);
                let value = self.emit.local(op.clone(), &[], clear, &shape);
                let value = match info.ty {
                    Type::Fix(f) => {
                        let ring = Elem::Ring(self.ring);
                        let raw = self.encode(value, f, ring, &shape, everyone);
                        self.carry(raw, &shape, everyone)
                    }
                    Type::Int => self.carry(value, &shape, everyone),
                    Type::Bits(_) => value,
                };
                self.embed(value)?
            }
            Local::Prim(prim @ (Prim::Add | Prim::Sub)) if self.on_number_bits(result) => {
                self.integer_sum(*prim, step.args[0], step.args[1], &shape)?
            }
            Local::Prim(Prim::Neg) if self.on_number_bits(result) => {
                self.integer_negation(step.args[0], &shape)?
            }
            Local::Prim(Prim::Mul) if self.on_number_bits(result) => {
                self.number_product(step.args[0], step.args[1], result)?
            }
            Local::Prim(Prim::Lt) if self.on_number_bits(step.args[0]) => {
                self.integer_less_than(step.args[0], step.args[1], &shape)?
            }
            Local::Prim(prim @ (Prim::Add | Prim::Sub)) => {
                self.sum_of(*prim, step.args[0], step.args[1], &shape)?
            }
            Local::Prim(Prim::Mul) => {
                return self.product(Map::Elementwise, step.args[0], step.args[1], result);
            }
            Local::MatMul => return self.product(Map::MatMul, step.args[0], step.args[1], result),
            Local::Sum { axis } => return self.sum(*axis, step.args[0], result),
            Local::Prim(Prim::Not) => self.complement(step.args[0], &shape)?,
            Local::Prim(Prim::Eq) => self.equal(step.args[0], step.args[1], &shape)?,
            Local::Prim(Prim::Lt) => self.less_than(step.args[0], step.args[1], &shape)?,
            Local::Prim(Prim::Select) => self.select(&step.args, &shape)?,
            Local::Prim(Prim::Cast) => self.cast(step.args[0], result, &shape)?,
            Local::Prim(Prim::Neg | Prim::BitSlice { .. })
            | Local::Reshape
            | Local::Broadcast
            | Local::Transpose { .. }
            | Local::Slice { .. }
            | Local::Unpack
            | Local::Pack => {
                let shared = self.shared(step.args[0])?;
                self.map(op, &shared, &[], elem, &shape)
            }
            Local::Prim(Prim::Shl | Prim::Shr | Prim::ShrLogical) | Local::Gather => {
                let shared = self.shared(step.args[0])?;
                let other = self.public(step.args[1])?;
                self.map(op, &shared, &[other], elem, &shape)
            }
            Local::Concat { .. } => self.joined(op, &step.args, None, elem, &shape)?,
            Local::Scatter => {
                let rows = self.public(step.args[2])?;
                self.joined(op, &step.args[..2], Some(rows), elem, &shape)?
            }
            other => {
                return self.fail(
                    NO_PROTOCOL,
                    format!("no operation {other:?} on secrets: the library has to supply it"),
                );
            }
        }))
    }

    /// A layout operation of several sharings.
    fn joined(
        &mut self,
        op: &Local,
        args: &[Value],
        last: Option<Wire>,
        elem: Elem,
        shape: &[Size],
    ) -> Lower<Shared> {
        let mut parts = vec![];
        for arg in args {
            parts.push(self.shared(*arg)?);
        }
        let count = parts.first().map_or(0, |p| p.components.len());
        let components = (0..count)
            .map(|i| {
                let mut args: Vec<Wire> = parts.iter().map(|p| p.components[i]).collect();
                args.extend(last);
                self.emit.local(op.clone(), &args, elem, shape)
            })
            .collect();
        Ok(Shared { elem, components })
    }

    fn complement(&mut self, value: Value, shape: &[Size]) -> Lower<Shared> {
        let shared = self.shared(value)?;
        let ones = self.emit.local(Local::Constant(-1), &[], shared.elem, &[]);
        if matches!(shared.elem, Elem::Bits(_)) {
            return self.add_public(Prim::Add, &shared, ones, shape);
        }
        let negated = self.map(&Local::Prim(Prim::Neg), &shared, &[], shared.elem, shape);
        self.add_public(Prim::Add, &negated, ones, shape)
    }

    fn equal(&mut self, a: Value, b: Value, shape: &[Size]) -> Lower<Shared> {
        let (x, y) = (self.shared(a)?, self.shared(b)?);
        let args = [
            Operand::Shared(self.fit(&x, shape)),
            Operand::Shared(self.fit(&y, shape)),
        ];
        self.shared_call(Want::Equal(x.elem), &args, &Binding::elements(shape))
    }

    /// A product is compared untruncated, if the other side is one too, or a literal that fits the
    /// finer unit. Another value might leave the ring when it is shifted up, and the product is
    /// truncated after all.
    ///
    /// Where the difference cannot wrap around, its sign is the answer.
    fn less_than(&mut self, a: Value, b: Value, shape: &[Size]) -> Lower<Shared> {
        let finest = self.excess(a).max(self.excess(b));
        let extra = if self.fits(a, finest) && self.fits(b, finest) {
            finest
        } else {
            0
        };
        let zero = |v: Value| self.literals.get(&v) == Some(&0);
        let (sign_of_a, sign_of_b) = (zero(b), zero(a));
        let within = self.widths.differ_within(a, b);
        if sign_of_a {
            let x = self.raised(a, extra)?;
            let own = self.script_info(a).shape.clone();
            return self.sign(&x, &own, shape);
        }
        if sign_of_b && within {
            let y = self.raised(b, extra)?;
            let own = self.script_info(b).shape.clone();
            let y = self.map(&Local::Prim(Prim::Neg), &y, &[], self.int, &own);
            return self.sign(&y, &own, shape);
        }
        let (x, y) = (self.raised(a, extra)?, self.raised(b, extra)?);
        let (x, y) = (self.fit(&x, shape), self.fit(&y, shape));
        if within {
            let difference = self.add(Prim::Sub, &x, &y, shape);
            return self.sign(&difference, shape, shape);
        }
        self.below(&x, &y, shape)
    }

    /// Whether a number is negative, in the shape of the result.
    fn sign(&mut self, x: &Shared, own: &[Size], shape: &[Size]) -> Lower<Shared> {
        let want = Want::Msb(self.int);
        let sign = if self.protocols.protocol(want).is_ok() {
            self.shared_call(want, &[Operand::Shared(x.clone())], &Binding::elements(own))?
        } else {
            let zero = self.emit.local(Local::Constant(0), &[], self.int, own);
            let zero = Operand::Shared(self.embed(zero)?);
            let args = [Operand::Shared(x.clone()), zero];
            self.shared_call(Want::LessThan(self.int), &args, &Binding::elements(own))?
        };
        Ok(self.fit(&sign, shape))
    }

    /// x < y, whatever they are. The sign of the difference says so if they have one sign, else the sign of x, for a scheme
    /// whose `less_than` asks that the difference be in the ring.
    fn below(&mut self, x: &Shared, y: &Shared, shape: &[Size]) -> Lower<Shared> {
        let want = Want::LessThan(self.int);
        if self.protocol(want)?.claims.requires.is_empty() {
            let args = [x, y].map(|side| Operand::Shared(side.clone()));
            return self.shared_call(want, &args, &Binding::elements(shape));
        }
        let difference = self.add(Prim::Sub, x, y, shape);
        let s = self.sign(x, shape, shape)?;
        let t = self.sign(y, shape, shape)?;
        let d = self.sign(&difference, shape, shape)?;
        let differ = self.add(Prim::Add, &s, &t, shape);
        let change = Pending {
            left: differ,
            left_shape: shape.to_vec(),
            right: self.add(Prim::Add, &s, &d, shape),
            right_shape: shape.to_vec(),
            map: Map::Elementwise,
            shape: shape.to_vec(),
            fraction: 0,
            mode: self.protocols.trunc_mode(),
            product: None,
        };
        let change = self.multiply(&change)?;
        Ok(self.add(Prim::Add, &d, &change, shape))
    }

    /// A secret bit as 0 or 1 in the ring; converted once per block.
    fn converted(&mut self, bit: Value) -> Lower<Shared> {
        if let Some(known) = self.converted.iter().rev().find_map(|m| m.get(&bit)) {
            return Ok(known.clone());
        }
        let shared = self.shared(bit)?;
        let shape = self.script_info(bit).shape.clone();
        let ring = self.bit_to_ring(&shared, &shape)?;
        if let Some(scope) = self.converted.last_mut() {
            scope.insert(bit, ring.clone());
        }
        Ok(ring)
    }

    fn bit_to_ring(&mut self, bit: &Shared, shape: &[Size]) -> Lower<Shared> {
        let want = Want::BitToRing(self.int);
        self.shared_call(
            want,
            &[Operand::Shared(bit.clone())],
            &Binding::elements(shape),
        )
    }

    fn select(&mut self, args: &[Value], shape: &[Size]) -> Lower<Shared> {
        let [c, a, b] = *args else {
            return Err(Failed);
        };
        let ty = self.script_info(a).ty;
        let elem = self.secret_elem(ty);
        if !self.is_secret(c) {
            let condition = self.public(c)?;
            let (x, y) = (self.shared(a)?, self.shared(b)?);
            let components = x
                .components
                .iter()
                .zip(&y.components)
                .map(|(x, y)| {
                    self.emit
                        .prim(Prim::Select, &[condition, *x, *y], elem, shape)
                })
                .collect();
            return Ok(Shared { elem, components });
        }
        let condition_shape = self.script_info(c).shape.clone();
        let difference_shape = broadcast(&self.script_info(a).shape, &self.script_info(b).shape);
        let bit = match elem {
            Elem::Bits(m) if m > 1 => {
                let bit = self.shared(c)?;
                self.replicate(&bit, &condition_shape, m)
            }
            Elem::Bits(_) => self.shared(c)?,
            _ => self.converted(c)?,
        };
        let prim = if matches!(elem, Elem::Bits(_)) {
            Prim::Add
        } else {
            Prim::Sub
        };
        let chosen = if self.is_secret(a) || self.is_secret(b) {
            let difference = self.sum_of(prim, a, b, &difference_shape)?;
            let product = Pending {
                left: bit,
                left_shape: condition_shape,
                right: difference,
                right_shape: difference_shape,
                map: Map::Elementwise,
                shape: shape.to_vec(),
                fraction: 0,
                mode: self.protocols.trunc_mode(),
                product: None,
            };
            self.multiply(&product)?
        } else {
            let everyone = self.emit.everyone();
            let (x, y) = (self.public(a)?, self.public(b)?);
            let (x, y) = (self.encoded(a, x, everyone), self.encoded(b, y, everyone));
            let difference = self.emit.prim(prim, &[x, y], elem, &difference_shape);
            self.map(&Local::Prim(Prim::Mul), &bit, &[difference], elem, shape)
        };
        if self.is_secret(b) {
            let other = self.shared(b)?;
            return Ok(self.add(Prim::Add, &chosen, &other, shape));
        }
        let everyone = self.emit.everyone();
        let copy = self.public(b)?;
        let other = self.encoded(b, copy, everyone);
        self.add_public(Prim::Add, &chosen, other, shape)
    }

    /// A bit, copied into every position of a vector of m bits.
    pub(super) fn replicate(&mut self, bit: &Shared, shape: &[Size], m: u8) -> Shared {
        let mut one = shape.to_vec();
        one.push(Size::one());
        let mut many = shape.to_vec();
        many.push(Size::from(i128::from(m)));
        let column = self.map(&Local::Reshape, bit, &[], Elem::Bits(1), &one);
        let row = self.map(&Local::Broadcast, &column, &[], Elem::Bits(1), &many);
        self.map(&Local::Pack, &row, &[], Elem::Bits(m), shape)
    }

    fn cast(&mut self, value: Value, result: Value, shape: &[Size]) -> Lower<Shared> {
        let (to, mode) = (self.script_info(result).ty, self.mode(result));
        if self.bitwise() {
            return self.recast(value, to, shape);
        }
        let from = self.script_info(value).ty;
        let ring = self.int;
        let binding = Binding::elements(shape);
        match (from, to) {
            (Type::Int, Type::Fix(f)) => {
                let shared = self.shared(value)?;
                Ok(self.shifted(&shared, f, shape))
            }
            (Type::Fix(f), Type::Int) => {
                let shared = self.shared(value)?;
                let amount = self.emit.amount(f);
                let want = Want::Trunc(ring, TruncMode::Exact);
                self.shared_call(
                    want,
                    &[Operand::Shared(shared), Operand::Clear(amount)],
                    &binding,
                )
            }
            (Type::Fix(f), Type::Fix(g)) if g >= f => {
                let shared = self.shared(value)?;
                Ok(self.shifted(&shared, g - f, shape))
            }
            (Type::Fix(f), Type::Fix(g)) => {
                let shared = self.shared(value)?;
                let amount = self.emit.amount(f - g);
                self.truncate(&shared, amount, shape, mode)
            }
            (Type::Bits(1), Type::Int) => self.converted(value),
            (Type::Bits(1), Type::Fix(f)) => {
                let shared = self.converted(value)?;
                Ok(self.shifted(&shared, f, shape))
            }
            (Type::Bits(m), Type::Int | Type::Fix(_)) => {
                let shared = self.shared(value)?;
                let f = if let Type::Fix(f) = to { f } else { 0 };
                self.compose(&shared, m, f, shape)
            }
            (Type::Int | Type::Fix(_), Type::Bits(m)) => {
                let shared = self.shared(value)?;
                if m > self.ring {
                    return self.fail(
                        NO_PROTOCOL,
                        format!("{TOO_NARROW} {} bits, not {m}", self.ring),
                    );
                }
                let bits =
                    self.shared_call(Want::ToBits(ring), &[Operand::Shared(shared)], &binding)?;
                if m == self.ring {
                    return Ok(bits);
                }
                let low = Local::Prim(Prim::BitSlice { start: 0, step: 1 });
                Ok(self.map(&low, &bits, &[], Elem::Bits(m), shape))
            }
            (Type::Bits(_), Type::Bits(m)) => {
                let shared = self.shared(value)?;
                Ok(self.map(&Local::Prim(Prim::Cast), &shared, &[], Elem::Bits(m), shape))
            }
            (Type::Int, Type::Int) => self.shared(value),
        }
    }

    /// The bits of x + 2^(k-1), as many as the result has.
    pub(super) fn ordered_bits(&mut self, x: Value, result: Value) -> Lower<Shared> {
        let info = self.script_info(result);
        let (shape, elem) = (info.shape.clone(), self.secret_elem(info.ty));
        let shared = self.shared(x)?;
        let least = 1i128.checked_shl(u32::from(self.ring) - 1).unwrap_or(0);
        let least = self
            .emit
            .local(Local::Constant(least), &[], shared.elem, &[]);
        let moved = self.add_public(Prim::Add, &shared, least, &shape)?;
        let bits = if self.bitwise() {
            moved
        } else {
            let want = Want::ToBits(self.int);
            self.shared_call(want, &[Operand::Shared(moved)], &Binding::elements(&shape))?
        };
        if bits.elem == elem {
            return Ok(bits);
        }
        Ok(self.map(&Local::Prim(Prim::Cast), &bits, &[], elem, &shape))
    }

    fn shifted(&mut self, shared: &Shared, bits: u8, shape: &[Size]) -> Shared {
        if bits == 0 {
            return shared.clone();
        }
        let amount = self.emit.amount(bits);
        self.map(
            &Local::Prim(Prim::Shl),
            shared,
            &[amount],
            shared.elem,
            shape,
        )
    }

    /// The unsigned integer of a bit vector: every bit converted, then weighted and added up.
    fn compose(&mut self, bits: &Shared, m: u8, f: u8, shape: &[Size]) -> Lower<Shared> {
        let mut wide = shape.to_vec();
        wide.push(Size::from(i128::from(m)));
        let unpacked = self.map(&Local::Unpack, bits, &[], Elem::Bits(1), &wide);
        let ring = self.bit_to_ring(&unpacked, &wide)?;
        let places: Vec<i128> = (0..m)
            .map(|j| 1i128.checked_shl(u32::from(j + f)).unwrap_or(0))
            .collect();
        let mut row = vec![Size::one(); shape.len()];
        row.push(Size::from(i128::from(m)));
        let weights = self
            .emit
            .local(Local::Data(places.into()), &[], ring.elem, &row);
        let weighted = self.map(&Local::Prim(Prim::Mul), &ring, &[weights], ring.elem, &wide);
        let axis = u8::try_from(shape.len()).unwrap_or(u8::MAX);
        Ok(self.map(&Local::Sum { axis }, &weighted, &[], ring.elem, shape))
    }

    /// Shares a clear value.
    pub(super) fn deal(&mut self, value: Value) -> Lower<Shared> {
        let info = self.script_info(value);
        self.carriable(info.ty)?;
        let owners = match info.label {
            crate::share::Label::Owned(set) => set,
            _ => return self.shared(value),
        };
        // A computing party deals for less than an outsider.
        let dealer = owners
            .iter()
            .min_by_key(|p| (!matches!(self.owner(*p), Owner::Party(_)), *p))
            .ok_or(Failed)?;
        let at: PartySet = [dealer].into_iter().collect();
        let copy = self.copy_for(value, at)?;
        let encoded = self.encoded(value, copy, at);
        let elem = self.secret_elem(info.ty);
        let binding = Binding {
            outsider: Some(dealer),
            ..Binding::elements(&info.shape)
        };
        let want = Want::Share(elem, self.owner(dealer));
        self.shared_call(want, &[Operand::Clear(encoded)], &binding)
    }

    /// Reveals a secret; one value per group of receivers.
    pub(super) fn reveal(&mut self, value: Value, to: Audience) -> Lower<Vec<Wire>> {
        if !self.is_secret(value) {
            return self.clear_copies(value);
        }
        let info = self.script_info(value);
        let shared = self.shared(value)?;
        self.before_reveal()?;
        let computing: PartySet = self.seats[..self.computing].iter().copied().collect();
        let audience = match to {
            Audience::All => self.emit.everyone(),
            Audience::Parties(set) => set,
        };
        let mut opened = vec![];
        let mut left = audience;
        if computing.is_subset(audience) && !computing.is_empty() {
            let value = self.open(&shared, Owner::Computing, None, &info.shape)?;
            let rest = audience.without(computing);
            // Who does not compute hears it one round later.
            let value = if to == Audience::All && !rest.is_empty() {
                left = PartySet::EMPTY;
                self.tell(value, rest)
            } else {
                left = rest;
                value
            };
            opened.push(value);
        }
        for party in left.iter() {
            let owner = self.owner(party);
            opened.push(self.open(&shared, owner, Some(party), &info.shape)?);
        }
        let (ty, shape) = (info.ty, info.shape.clone());
        Ok(opened
            .into_iter()
            .map(|value| match ty {
                Type::Fix(f) => {
                    let amount = self.emit.amount(f);
                    let value = if self.bitwise() {
                        let ring = Elem::Ring(self.ring);
                        self.emit.prim(Prim::Cast, &[value], ring, &shape)
                    } else {
                        value
                    };
                    self.emit
                        .prim(Prim::Decode, &[value, amount], Elem::Fix, &shape)
                }
                // The representative nearest 0.
                Type::Int if self.int != Elem::Ring(self.ring) => {
                    let ring = Elem::Ring(self.ring);
                    self.emit.prim(Prim::Cast, &[value], ring, &shape)
                }
                _ => value,
            })
            .collect())
    }

    fn open(
        &mut self,
        shared: &Shared,
        receiver: Owner,
        party: Option<Party>,
        shape: &[Size],
    ) -> Lower<Wire> {
        let flat = self.protocol(Want::Reveal(shared.elem, receiver))?;
        let binding = Binding {
            outsider: party,
            ..Binding::elements(shape)
        };
        let args = [Operand::Shared(shared.clone())];
        match self.instantiate(&flat, &args, &binding, &mut None)?.pop() {
            Some(Operand::Clear(value)) => Ok(value),
            _ => self.fail(
                NO_PROTOCOL,
                format!("`{}` reveals no clear value", flat.name),
            ),
        }
    }

    /// The rows of several columns in one secret order.
    pub(super) fn shuffle(&mut self, step: &Step) -> Lower<()> {
        let mut permutations = Some((vec![], 0));
        for (arg, result) in step.args.iter().zip(&step.results) {
            let shared = self.shared(*arg)?;
            if self.options.probes {
                // Beside the result, here, it tells the audit the order.
                self.probe(*arg, &shared);
            }
            let flat = self.protocol(Want::Shuffle(shared.elem))?;
            if let Some((_, next)) = &mut permutations {
                *next = 0;
            }
            let shape = self.script_info(*arg).shape.clone();
            let args = [Operand::Shared(shared)];
            let binding = Binding::elements(&shape);
            match self
                .instantiate(&flat, &args, &binding, &mut permutations)?
                .pop()
            {
                Some(Operand::Shared(shuffled)) => {
                    self.define(*result, Lowered::Secret(shuffled));
                }
                _ => return Err(Failed),
            }
        }
        Ok(())
    }
}

/// The shape of an element-wise result.
fn broadcast(a: &[Size], b: &[Size]) -> Vec<Size> {
    if a.is_empty() {
        return b.to_vec();
    }
    if b.is_empty() {
        return a.to_vec();
    }
    a.iter()
        .zip(b)
        .map(|(x, y)| {
            if *x == Size::one() {
                y.clone()
            } else {
                x.clone()
            }
        })
        .collect()
}
