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
}

impl<'p> Facts<'p> {
    pub fn of(program: &'p Program) -> Self {
        let mut facts = Self {
            infos: &program.values,
            literals: HashMap::default(),
            sizes: HashMap::default(),
            places: vec![None; program.values.len()],
            reserved: HashSet::default(),
        };
        facts.block(&program.body);
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
                if let Some(value) = args.and_then(|args| folded(*prim, &args, elem)) {
                    self.literals.insert(result, value);
                }
            }
            Op::Coin(CoinDomain::Uniform) => {
                let narrow = matches!(elem, Elem::Ring(1..=64) | Elem::Bits(1..=64));
                if narrow {
                    self.reserved.insert(result);
                }
            }
            _ => {}
        }
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
