//! Secret numbers that are carried by their bits: sums, products and comparisons are protocols.
//!
//! Before lowering, sums over an axis and matrix products of secret numbers are written as trees of
//! sums ([`expanded`]); what is left is element by element. Layout, selection, casts between
//! numbers and bits, complements, shifts and truncations, which are exact, are local as they are on bits.

use super::digits::digits;
use super::instantiate::{Binding, Operand};
use super::{Lower, Lowerer, NO_PROTOCOL, Shared, TOO_NARROW};
use crate::flat::{TruncMode, Want};
use crate::local::{Local, Prim, Source};
use crate::party::{Elem, Value as Wire};
use crate::share::{Block, Label, Op, Program, SizeInfo, SizeOrigin, Step, Type, Value, ValueInfo};
use crate::size::{Size, SizeVar};

impl Lowerer<'_> {
    /// Whether secret numbers are carried by their bits.
    pub(super) fn bitwise(&self) -> bool {
        matches!(self.int, Elem::Bits(_))
    }

    /// Whether a value is a secret number that is carried by its bits.
    pub(super) fn on_number_bits(&self, value: Value) -> bool {
        self.bitwise() && !matches!(self.script_info(value).ty, Type::Bits(_))
    }

    fn call_on_bits(
        &mut self,
        want: Want,
        a: &Shared,
        b: &Shared,
        shape: &[Size],
    ) -> Lower<Shared> {
        let args = [
            Operand::Shared(self.fit(a, shape)),
            Operand::Shared(self.fit(b, shape)),
        ];
        self.shared_call(want, &args, &Binding::elements(shape))
    }

    fn add_integers(&mut self, a: &Shared, b: &Shared, shape: &[Size]) -> Lower<Shared> {
        self.call_on_bits(Want::AddBits(self.int), a, b, shape)
    }

    /// Every bit inverted: -a - 1.
    fn inverted(&mut self, a: &Shared, shape: &[Size]) -> Lower<Shared> {
        let ones = self.emit.local(Local::Constant(-1), &[], a.elem, &[]);
        self.add_public(Prim::Add, a, ones, shape)
    }

    /// a - b is the inverse of (inverse of a) + b.
    fn subtract_integers(&mut self, a: &Shared, b: &Shared, shape: &[Size]) -> Lower<Shared> {
        let a = self.fit(a, shape);
        let inverse = self.inverted(&a, shape)?;
        let sum = self.add_integers(&inverse, b, shape)?;
        self.inverted(&sum, shape)
    }

    /// The sum or difference of two integers, at least one of them secret.
    pub(super) fn integer_sum(
        &mut self,
        prim: Prim,
        a: Value,
        b: Value,
        shape: &[Size],
    ) -> Lower<Shared> {
        // Public zeros, such as the start of a sum, cost nothing.
        let zero = |this: &Self, v: Value| !this.is_secret(v) && this.literals.get(&v) == Some(&0);
        if zero(self, b) {
            let x = self.shared(a)?;
            return Ok(self.fit(&x, shape));
        }
        let (x, y) = (self.shared(a)?, self.shared(b)?);
        match prim {
            Prim::Sub => self.subtract_integers(&x, &y, shape),
            _ if zero(self, a) => Ok(self.fit(&y, shape)),
            _ => self.add_integers(&x, &y, shape),
        }
    }

    /// -a.
    pub(super) fn integer_negation(&mut self, a: Value, shape: &[Size]) -> Lower<Shared> {
        let x = self.shared(a)?;
        let inverse = self.inverted(&x, shape)?;
        let one = self.emit.local(Local::Constant(1), &[], x.elem, &[]);
        let one = self.embed(one)?;
        self.add_integers(&inverse, &one, shape)
    }

    /// The product of two numbers, at least one of them secret.
    pub(super) fn number_product(&mut self, a: Value, b: Value, result: Value) -> Lower<Shared> {
        let scale = |this: &Self, v: Value| match this.script_info(v).ty {
            Type::Fix(f) => f,
            _ => 0,
        };
        let shape = self.script_info(result).shape.clone();
        for (secret, public) in [(a, b), (b, a)] {
            if self.is_secret(public) {
                continue;
            }
            return match self.script_info(public).ty {
                Type::Fix(f) => {
                    let f = (f, scale(self, secret));
                    self.product_with_factor(secret, public, f, &shape)
                }
                _ => self.product_with_integer(secret, public, &shape),
            };
        }
        let excess = (scale(self, a) + scale(self, b)).saturating_sub(scale(self, result));
        let (x, y) = (self.shared(a)?, self.shared(b)?);
        let product = self.product_of_bits(&x, &y, true, &shape)?;
        let amount = self.emit.amount(excess);
        Ok(self.shifted_down(&product, amount, &shape))
    }

    /// A number times a public integer.
    fn product_with_integer(&mut self, a: Value, factor: Value, shape: &[Size]) -> Lower<Shared> {
        let x = self.shared(a)?;
        let known = self.literals.get(&factor).copied();
        if let Some(digits) = known.and_then(|c| digits(c, self.ring)) {
            return self.shifted_sum(&x, &digits, shape);
        }
        let public = self.script_info(factor).shape.clone();
        let copy = self.public(factor)?;
        let everyone = self.emit.everyone();
        let y = self.carry(copy, &public, everyone);
        self.product_with_public(&x, y, shape)
    }

    fn product_with_public(&mut self, x: &Shared, y: Wire, shape: &[Size]) -> Lower<Shared> {
        let y = Shared {
            elem: self.int,
            components: vec![y],
        };
        self.product_of_bits(x, &y, false, shape)
    }

    /// Every bit of y selects x shifted: rows along a new first axis, in one product bit by bit, or none if y
    /// is public. Then three summands become two, sums and carries, until two are left (Wallace, IEEE
    /// Transactions on Electronic Computers 1964), and those are added.
    fn product_of_bits(
        &mut self,
        x: &Shared,
        y: &Shared,
        secret: bool,
        shape: &[Size],
    ) -> Lower<Shared> {
        let elem = self.int;
        let count = elem.wire_bits().next_power_of_two();
        let rows_shape = |rows: u8| -> Vec<Size> {
            let first = std::iter::once(Size::from(i128::from(rows)));
            first.chain(shape.iter().cloned()).collect()
        };
        // x, 2 x, 4 x, …: shifted beyond the width it is 0.
        let x = self.fit(x, shape);
        let mut shifted = self.map(&Local::Reshape, &x, &[], elem, &rows_shape(1));
        let mut rows = 1;
        while rows < count {
            let amount = self.emit.amount(rows);
            let full = rows_shape(rows);
            let up = self.map(&Local::Prim(Prim::Shl), &shifted, &[amount], elem, &full);
            let twice = rows_shape(rows * 2);
            let pairs = shifted.components.iter().zip(&up.components);
            let join = Local::Concat { axis: 0 };
            let components = pairs
                .map(|(low, high)| self.emit.local(join.clone(), &[*low, *high], elem, &twice))
                .collect();
            shifted = Shared { elem, components };
            rows *= 2;
        }
        // Bit i of y in all places of row i.
        let y = self.fit(y, shape);
        let wide = Elem::Bits(count);
        let y = self.map(&Local::Prim(Prim::Cast), &y, &[], wide, shape);
        let mut bits_shape = shape.to_vec();
        bits_shape.push(Size::from(i128::from(count)));
        let bits = self.map(&Local::Unpack, &y, &[], Elem::Bits(1), &bits_shape);
        let rank = u8::try_from(shape.len()).unwrap_or(u8::MAX);
        let turn = Local::Transpose {
            axes: std::iter::once(rank).chain(0..rank).collect(),
        };
        let full = rows_shape(count);
        let bits = self.map(&turn, &bits, &[], Elem::Bits(1), &full);
        let chosen = self.replicate(&bits, &full, elem.wire_bits());
        let rows = match (secret, chosen.components.first()) {
            (false, Some(mask)) => {
                let mask = *mask;
                self.map(&Local::Prim(Prim::Mul), &shifted, &[mask], elem, &full)
            }
            _ => self.and(&shifted, &chosen, &full)?,
        };
        let mut count = count / 2;
        let (mut u, mut w) = self.halves(&rows, count, &rows_shape(count));
        while count > 1 {
            count /= 2;
            let half = rows_shape(count);
            let (a, b) = self.halves(&u, count, &half);
            let (c, d) = self.halves(&w, count, &half);
            let (s, t) = self.compressed([&a, &b, &c], &half)?;
            (u, w) = self.compressed([&s, &t, &d], &half)?;
        }
        let u = self.map(&Local::Reshape, &u, &[], elem, shape);
        let w = self.map(&Local::Reshape, &w, &[], elem, shape);
        self.add_integers(&u, &w, shape)
    }

    /// The first `count` rows, and those behind them.
    fn halves(&mut self, x: &Shared, count: u8, shape: &[Size]) -> (Shared, Shared) {
        let mut part = |start: u8| {
            let (start, end) = (i128::from(start), i128::from(start) + i128::from(count));
            let slice = Local::Slice {
                axis: 0,
                start: Size::from(start),
                end: Size::from(end),
            };
            self.map(&slice, x, &[], x.elem, shape)
        };
        (part(0), part(count))
    }

    /// The product bit by bit.
    fn and(&mut self, a: &Shared, b: &Shared, shape: &[Size]) -> Lower<Shared> {
        self.call_on_bits(Want::Mul(a.elem), a, b, shape)
    }

    /// Three summands as two: the sum bit by bit, and the carries, which are the majority.
    fn compressed(&mut self, [a, b, c]: [&Shared; 3], shape: &[Size]) -> Lower<(Shared, Shared)> {
        let ac = self.add(Prim::Add, a, c, shape);
        let bc = self.add(Prim::Add, b, c, shape);
        let both = self.and(&ac, &bc, shape)?;
        let majority = self.add(Prim::Add, &both, c, shape);
        let one = self.emit.amount(1);
        let carries = self.map(&Local::Prim(Prim::Shl), &majority, &[one], a.elem, shape);
        let sums = self.add(Prim::Add, &ac, b, shape);
        Ok((sums, carries))
    }

    /// A number with `present` fraction bits times public fixed point: f fraction bits.
    fn product_with_factor(
        &mut self,
        a: Value,
        factor: Value,
        (f, present): (u8, u8),
        shape: &[Size],
    ) -> Lower<Shared> {
        let x = self.shared(a)?;
        let missing = f.saturating_sub(present);
        if let Some(literal) = self.literals.get(&factor).copied()
            && let Some(bits) = Self::exact_bits(literal, f.max(missing))
            && let Some(digits) = digits(literal >> (64 - u32::from(bits)), self.ring)
        {
            let product = self.shifted_sum(&x, &digits, shape)?;
            if bits < missing {
                let amount = self.emit.amount(missing - bits);
                let up = Local::Prim(Prim::Shl);
                return Ok(self.map(&up, &product, &[amount], product.elem, shape));
            }
            let amount = self.emit.amount(bits - missing);
            return Ok(self.shifted_down(&product, amount, shape));
        }
        let public = self.script_info(factor).shape.clone();
        let copy = self.public(factor)?;
        let mut total: Option<Shared> = None;
        let terms = self.factor_terms(factor, copy, (f, present), &public, TruncMode::Exact)?;
        for (term, amount) in terms {
            let everyone = self.emit.everyone();
            let term = self.carry(term, &public, everyone);
            let mut product = self.product_with_public(&x, term, shape)?;
            if let Some(amount) = amount {
                product = self.shifted_down(&product, amount, shape);
            }
            total = Some(match total {
                Some(sum) => self.add_integers(&sum, &product, shape)?,
                None => product,
            });
        }
        match total {
            Some(total) => Ok(total),
            None => self.zero(shape),
        }
    }

    /// The floor of a number in units coarser by so many bits: its bits without the lowest.
    pub(super) fn shifted_down(&mut self, x: &Shared, amount: Wire, shape: &[Size]) -> Shared {
        let down = Local::Prim(Prim::Shr);
        self.map(&down, x, &[amount], x.elem, shape)
    }

    /// The sum of shifted values, each added or subtracted.
    fn shifted_sum(&mut self, x: &Shared, digits: &[(u8, bool)], shape: &[Size]) -> Lower<Shared> {
        let x = self.fit(x, shape);
        let mut total: Option<Shared> = None;
        // A positive term first, if there is one: it needs no negation.
        let ordered = [false, true]
            .into_iter()
            .flat_map(|sign| digits.iter().filter(move |(_, minus)| *minus == sign));
        for (place, minus) in ordered {
            let term = if *place == 0 {
                x.clone()
            } else {
                let amount = self.emit.amount(*place);
                self.map(&Local::Prim(Prim::Shl), &x, &[amount], x.elem, shape)
            };
            total = Some(match (total, minus) {
                (None, false) => term,
                (Some(sum), false) => self.add_integers(&sum, &term, shape)?,
                (Some(sum), true) => self.subtract_integers(&sum, &term, shape)?,
                (None, true) => {
                    let zero = self.zero(shape)?;
                    self.subtract_integers(&zero, &term, shape)?
                }
            });
        }
        match total {
            Some(total) => Ok(total),
            None => self.zero(shape),
        }
    }

    fn zero(&mut self, shape: &[Size]) -> Lower<Shared> {
        let zero = self.emit.local(Local::Constant(0), &[], self.int, shape);
        self.embed(zero)
    }

    /// Whether a is below b. The sign of a alone is its top bit.
    pub(super) fn integer_less_than(
        &mut self,
        a: Value,
        b: Value,
        shape: &[Size],
    ) -> Lower<Shared> {
        let x = self.shared(a)?;
        if !self.is_secret(b)
            && self.literals.get(&b) == Some(&0)
            && let Elem::Bits(k) = self.int
        {
            let top = Local::Prim(Prim::BitSlice {
                start: k - 1,
                step: 1,
            });
            let own = self.script_info(a).shape.clone();
            let sign = self.map(&top, &x, &[], Elem::Bits(1), &own);
            return Ok(self.fit(&sign, shape));
        }
        let y = self.shared(b)?;
        self.call_on_bits(Want::LessBits(self.int), &x, &y, shape)
    }

    /// Conversions between numbers, and between numbers and bits: the low bits, zeros above, the point
    /// moved.
    pub(super) fn recast(&mut self, value: Value, to: Type, shape: &[Size]) -> Lower<Shared> {
        let from = self.script_info(value).ty;
        if let (Type::Int | Type::Fix(_), Type::Bits(m)) = (from, to)
            && m > self.ring
        {
            let text = format!("{TOO_NARROW} {} bits, not {m}", self.ring);
            return self.fail(NO_PROTOCOL, text);
        }
        let mut shared = self.shared(value)?;
        let elem = self.secret_elem(to);
        if shared.elem != elem {
            shared = self.map(&Local::Prim(Prim::Cast), &shared, &[], elem, shape);
        }
        let scale = |ty: Type| if let Type::Fix(f) = ty { f } else { 0 };
        let (f, g) = (scale(from), scale(to));
        let amount = self.emit.amount(f.abs_diff(g));
        Ok(match to {
            Type::Int | Type::Fix(_) if f > g => self.shifted_down(&shared, amount, shape),
            Type::Int | Type::Fix(_) if f < g => {
                self.map(&Local::Prim(Prim::Shl), &shared, &[amount], elem, shape)
            }
            _ => shared,
        })
    }
}

/// The same program with sums over an axis and matrix products of secret numbers as trees of sums.
/// Values of the program keep their numbers.
pub(super) fn expanded(program: &Program) -> Program {
    let mut expander = Expander {
        program: program.clone(),
        source: Source::default(),
    };
    let body = expander.block(&program.body);
    expander.program.body = body;
    expander.program
}

struct Expander {
    program: Program,
    source: Source,
}

impl Expander {
    fn info(&self, value: Value) -> ValueInfo {
        self.program.values[value.0 as usize].clone()
    }

    fn value(&mut self, ty: Type, shape: &[Size], label: Label) -> Value {
        let value = Value(u32::try_from(self.program.values.len()).unwrap_or(u32::MAX));
        self.program.values.push(ValueInfo {
            ty,
            shape: shape.to_vec(),
            label,
            source: self.source,
            library: false, // truncation is exact
        });
        value
    }

    fn step(&self, op: Op, args: Vec<Value>, result: Value) -> Step {
        Step {
            op,
            args,
            results: vec![result],
            source: self.source,
        }
    }

    /// A layout operation: its result.
    fn laid_out(&mut self, op: Local, of: Value, shape: &[Size], into: &mut Vec<Step>) -> Value {
        let info = self.info(of);
        let result = self.value(info.ty, shape, info.label);
        into.push(self.step(Op::Local(op), vec![of], result));
        result
    }

    fn block(&mut self, block: &Block) -> Block {
        let mut steps = vec![];
        for step in &block.steps {
            self.source = step.source;
            let secret_number = |this: &Self| {
                step.results.first().is_some_and(|r| {
                    let info = this.info(*r);
                    info.label == Label::Secret && !matches!(info.ty, Type::Bits(_))
                })
            };
            match &step.op {
                Op::Local(Local::Sum { axis }) if secret_number(self) => {
                    self.sum(*axis, step.args[0], step.results[0], &mut steps);
                }
                Op::Local(Local::MatMul) if secret_number(self) => {
                    self.matrix_product(step, &mut steps);
                }
                _ => {
                    let mut step = step.clone();
                    match &mut step.op {
                        Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                            *body = self.block(body);
                        }
                        Op::While {
                            condition, body, ..
                        } => {
                            *condition = self.block(condition);
                            *body = self.block(body);
                        }
                        Op::Switch { arms } => {
                            for arm in arms {
                                *arm = self.block(arm);
                            }
                        }
                        _ => {}
                    }
                    steps.push(step);
                }
            }
        }
        Block {
            params: block.params.clone(),
            steps,
            results: block.results.clone(),
        }
    }

    /// A tree over the first axis. A sum of no terms is 0: where there may be none, a 0 is added.
    fn sum(&mut self, axis: u8, of: Value, result: Value, into: &mut Vec<Step>) {
        let ValueInfo { ty, shape, .. } = self.info(of);
        let at = usize::from(axis).min(shape.len().saturating_sub(1));
        let mut rows = of;
        let mut rows_shape = shape.clone();
        if at != 0 {
            let mut axes: Vec<u8> = (0..shape.len() as u8).filter(|a| *a != axis).collect();
            axes.insert(0, axis);
            rows_shape = axes
                .iter()
                .map(|a| shape[usize::from(*a)].clone())
                .collect();
            rows = self.laid_out(Local::Transpose { axes }, of, &rows_shape, into);
        }
        let rest: Vec<Size> = rows_shape.get(1..).unwrap_or(&[]).to_vec();
        let length = rows_shape.first().cloned().unwrap_or_else(Size::one);
        if length.as_constant().is_none_or(|n| n < 1) {
            let mut one = vec![Size::one()];
            one.extend(rest.iter().cloned());
            let zero = self.value(ty, &one, Label::Secret);
            into.push(self.step(Op::Local(Local::Constant(0)), vec![], zero));
            let mut more = vec![&length + &Size::one()];
            more.extend(rest.iter().cloned());
            let joined = self.value(ty, &more, Label::Secret);
            let join = Op::Local(Local::Concat { axis: 0 });
            into.push(self.step(join, vec![zero, rows], joined));
            rows = joined;
        }
        let half = SizeVar(u32::try_from(self.program.sizes.len()).unwrap_or(u32::MAX));
        self.program.sizes.push(SizeInfo {
            name: "half".into(),
            origin: SizeOrigin::Loop,
            source: self.source,
        });
        let mut level = vec![Size::from(half)];
        level.extend(rest);
        let [low, high, both] = [(); 3].map(|()| self.value(ty, &level, Label::Secret));
        let add = self.step(Op::Local(Local::Prim(Prim::Add)), vec![low, high], both);
        let body = Block {
            params: vec![low, high],
            steps: vec![add],
            results: vec![both],
        };
        into.push(self.step(Op::Reduce { half, body }, vec![rows], result));
    }

    /// `[.., n, k]` by `[.., k, m]`: the products of `[.., n, k, 1]` and `[.., 1, k, m]`, summed over k.
    fn matrix_product(&mut self, step: &Step, into: &mut Vec<Step>) {
        let (Some(left), Some(right)) = (step.args.first(), step.args.get(1)) else {
            return;
        };
        let (a, b) = (self.info(*left).shape, self.info(*right).shape);
        let rank = a.len();
        let Some(lead) = rank.checked_sub(2) else {
            return;
        };
        let mut wide = a.clone();
        wide.push(Size::one());
        let mut tall = b.clone();
        tall.insert(lead, Size::one());
        let mut full = a.clone();
        full.push(b[rank - 1].clone());
        let x = self.laid_out(Local::Reshape, *left, &wide, into);
        let y = self.laid_out(Local::Reshape, *right, &tall, into);
        let result = step.results[0];
        let ValueInfo { ty, shape, .. } = self.info(result);
        let exact = self.untruncated([*left, *right], ty);
        let product = self.value(exact, &full, Label::Secret);
        into.push(self.step(Op::Local(Local::Prim(Prim::Mul)), vec![x, y], product));
        let axis = u8::try_from(lead + 1).unwrap_or(u8::MAX);
        if exact == ty {
            return self.sum(axis, product, result, into);
        }
        let total = self.value(exact, &shape, Label::Secret);
        self.sum(axis, product, total, into);
        into.push(self.step(Op::Local(Local::Prim(Prim::Cast)), vec![total], result));
    }

    /// The type of the terms of a matrix product. Two secrets in fixed point are summed with all fraction bits and
    /// the sum is cut once, as over rings: cut one by one, n terms would be off by n units.
    fn untruncated(&self, factors: [Value; 2], result: Type) -> Type {
        let [a, b] = factors.map(|v| self.info(v));
        match (a.ty, b.ty, result) {
            (Type::Fix(f), Type::Fix(g), Type::Fix(_))
                if a.label == Label::Secret && b.label == Label::Secret =>
            {
                Type::Fix(f.saturating_add(g))
            }
            _ => result,
        }
    }
}
