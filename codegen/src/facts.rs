//! What is known of a program's values, whatever party looks at them.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use smpc_ir::Size;
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::project::blocks_of;
use smpc_ir::party::{
    Block, CoinDomain, Elem, Op, Origin, PartySet, Program, Step, Value, ValueInfo,
};

/// Types, shapes, literals and places of a program's values.
pub(crate) struct Facts<'p> {
    infos: &'p [ValueInfo],
    literals: HashMap<Value, i128>,
    sizes: HashMap<Value, Size>,
    /// By the value's number.
    places: Vec<Option<(Option<Origin>, Source)>>,
    /// Uniform coins that are read in their own instance of a protocol alone.
    reserved: HashSet<Value>,
    /// Results that are one of their operands, as x + 0 is.
    operands: HashMap<Value, Value>,
    /// The first value that is computed in the same way from the same operands, where it is another one.
    first: HashMap<Value, Value>,
    /// The operations on elements seen so far, by type and operands.
    computed: HashMap<(Prim, [Value; 3], Elem), Value>,
}

impl<'p> Facts<'p> {
    pub fn of(program: &'p Program) -> Self {
        let mut facts = Self {
            infos: &program.values,
            literals: HashMap::default(),
            sizes: HashMap::default(),
            places: vec![None; program.values.len()],
            reserved: HashSet::default(),
            operands: HashMap::default(),
            first: HashMap::default(),
            computed: HashMap::default(),
        };
        facts.block(&program.body);
        facts.computed = HashMap::default();
        facts
    }

    fn block(&mut self, block: &Block) {
        for step in &block.steps {
            self.step(step);
            for inner in blocks_of(&step.op) {
                self.block(inner);
                for value in &inner.results {
                    self.reserved.remove(value);
                }
            }
        }
    }

    fn step(&mut self, step: &Step) {
        for result in &step.results {
            if let Some(place) = self.places.get_mut(result.0 as usize) {
                *place = Some((step.origin, step.source));
            }
        }
        for arg in &step.args {
            // A message takes the coin whole, and so does what is no operation on elements.
            let call = |v: &Value| {
                let (origin, _) = self.place(*v)?;
                origin.map(|o| o.call)
            };
            let own = step.origin.map(|o| o.call);
            let elementwise = matches!(step.op, Op::Local(Local::Prim(_)));
            if !elementwise || own.is_none() || call(arg) != own {
                self.reserved.remove(arg);
            }
        }
        let [result] = step.results[..] else {
            return;
        };
        let Some(info) = self.info(result) else {
            return;
        };
        let (elem, scalar) = (info.elem, info.shape.is_empty());
        match &step.op {
            Op::Local(Local::Constant(value)) => {
                self.literals.insert(result, *value);
            }
            Op::Local(Local::Size(size)) if scalar => {
                self.sizes.insert(result, size.clone());
            }
            Op::Local(Local::Prim(prim)) if scalar => {
                let args: Option<Vec<i128>> = step.args.iter().map(|a| self.literal(*a)).collect();
                match args.and_then(|args| folded(*prim, &args, elem)) {
                    Some(value) => {
                        self.literals.insert(result, value);
                    }
                    None => self.simplify(*prim, &step.args, result),
                }
            }
            Op::Local(Local::Prim(prim)) => self.simplify(*prim, &step.args, result),
            Op::Coin(CoinDomain::Uniform) => {
                let narrow = matches!(elem, Elem::Ring(1..=64) | Elem::Bits(1..=64));
                if narrow {
                    self.reserved.insert(result);
                }
            }
            _ => {}
        }
    }

    /// Whether the rules of arithmetic make a result a literal or one of its operands, whatever these are. A
    /// scheme's `if` between values of which only one party's share differs leaves the others such results.
    fn simplify(&mut self, prim: Prim, args: &[Value], result: Value) {
        let elem = self.elem(result);
        if !matches!(elem, Elem::Ring(_) | Elem::Bits(_) | Elem::Field(_)) {
            return;
        }
        let of_bits = matches!(elem, Elem::Bits(_));
        let is = |value: &Value, wanted| self.literal(*value) == Some(wanted);
        let zero = match (prim, args) {
            (Prim::Sub, [a, b]) => self.first(*a) == self.first(*b),
            (Prim::Add, [a, b]) => of_bits && self.first(*a) == self.first(*b),
            (Prim::Mul, [a, b]) => is(a, 0) || is(b, 0),
            (Prim::Neg, [a]) => is(a, 0),
            (Prim::Cast | Prim::BitSlice { .. }, [a]) => is(a, 0) && self.elem(*a) != Elem::Fix,
            _ => false,
        };
        if zero {
            self.literals.insert(result, 0);
            return;
        }
        let operand = match (prim, args) {
            (Prim::Add | Prim::Sub, [a, b]) if is(b, 0) => Some(*a),
            (Prim::Add, [a, b]) if is(a, 0) => Some(*b),
            (Prim::Mul, [a, b]) if !of_bits && is(b, 1) => Some(*a),
            (Prim::Mul, [a, b]) if !of_bits && is(a, 1) => Some(*b),
            (Prim::Neg, [a]) if of_bits => Some(*a),
            _ => None,
        };
        // A scalar may stand for all elements.
        if let Some(operand) = operand.filter(|own| self.shape(*own) == self.shape(result)) {
            self.operands.insert(result, operand);
            self.first.insert(result, self.first(operand));
            // It may be read outside of its own instance, by the other name.
            self.reserved.remove(&operand);
            return;
        }
        let mut key = [result; 3];
        let (Some(own), Some(first)) = (key.get_mut(..args.len()), args.first()) else {
            return;
        };
        own.copy_from_slice(args);
        // Places without an operand are alike in all.
        let pad = *first;
        key.iter_mut().skip(args.len()).for_each(|v| *v = pad);
        let key = key.map(|v| self.first(v));
        let known = *self.computed.entry((prim, key, elem)).or_insert(result);
        if known != result {
            self.first.insert(result, known);
        }
    }

    /// The first value that is computed as this one.
    fn first(&self, value: Value) -> Value {
        self.first.get(&value).copied().unwrap_or(value)
    }

    /// The operand that a result is.
    pub fn operand(&self, result: Value) -> Option<Value> {
        self.operands.get(&result).copied()
    }

    pub fn info(&self, value: Value) -> Option<&ValueInfo> {
        self.infos.get(value.0 as usize)
    }

    pub fn elem(&self, value: Value) -> Elem {
        self.info(value).map_or(Elem::Fix, |info| info.elem)
    }

    pub fn shape(&self, value: Value) -> &[Size] {
        self.info(value).map_or(&[], |info| &info.shape)
    }

    pub fn known_to(&self, value: Value) -> PartySet {
        self.info(value)
            .map_or(PartySet::EMPTY, |info| info.known_to)
    }

    /// The literal that every element of a value is.
    pub fn literal(&self, value: Value) -> Option<i128> {
        self.literals.get(&value).copied()
    }

    /// The size that a scalar is.
    pub fn size(&self, value: Value) -> Option<&Size> {
        self.sizes.get(&value)
    }

    /// Whether a value has no variable: a literal or a size.
    pub fn is_written_where_read(&self, value: Value) -> bool {
        self.literals.contains_key(&value) || self.sizes.contains_key(&value)
    }

    /// The instance of a protocol that defines a value, and where in its text or in the script's.
    pub fn place(&self, value: Value) -> Option<(Option<Origin>, Source)> {
        self.places.get(value.0 as usize).copied().flatten()
    }

    /// Whether a coin is drawn where it is read, from the range it reserved.
    pub fn is_reserved(&self, value: Value) -> bool {
        self.reserved.contains(&value)
    }
}

/// Arithmetic on literals of a ring.
fn folded(prim: Prim, args: &[i128], elem: Elem) -> Option<i128> {
    let Elem::Ring(k @ 1..=64) = elem else {
        return None;
    };
    let value = match (prim, args) {
        (Prim::Add, [a, b]) => a.wrapping_add(*b),
        (Prim::Sub, [a, b]) => a.wrapping_sub(*b),
        (Prim::Mul, [a, b]) => a.wrapping_mul(*b),
        (Prim::Neg, [a]) => a.wrapping_neg(),
        (Prim::Shl, [a, by]) if (0..i128::from(k)).contains(by) => a << by,
        _ => return None,
    };
    let unused = 128 - u32::from(k);
    Some(value << unused >> unused)
}
