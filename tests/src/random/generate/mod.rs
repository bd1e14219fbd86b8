//! Scripts from seeds. Types and labels direct the choice, so that a script is well formed by
//! construction; a statement whose value would pass a documented limit is drawn again.

mod expr;
mod item;
mod leaf;
mod list;
mod stmt;

use std::rc::Rc;

use super::ast::{Base, Dim, Expr, Script, Stmt, Ty};
use super::evaluate::Machine;
use super::value::Stop;

/// Splitmix64: every draw follows from the seed.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below n.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }

    /// From a to b, both included.
    pub fn range(&mut self, a: i64, b: i64) -> i64 {
        a + self.below((b - a + 1) as usize) as i64
    }

    /// True with so many percent.
    pub fn percent(&mut self, p: usize) -> bool {
        self.below(100) < p
    }

    /// One of a list that is not empty.
    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// The position of one of some weights.
    pub fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            if left < *weight {
                return at;
            }
            left -= weight;
        }
        0
    }
}

/// Who knows a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Public,
    /// A party by its position.
    Owned(usize),
    Secret,
    /// In a function: that of the arguments.
    Any,
}

impl Label {
    /// Whether a value of this label may stand where `wanted` is.
    fn fits(self, wanted: Self) -> bool {
        self == wanted || self == Self::Public
    }
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
enum Form {
    Tensor(Ty),
    Tuple(Vec<Ty>),
    /// Rows of a struct with these dimensions.
    Table(usize, Vec<Dim>),
    /// One tensor per member of a family.
    Family(Ty, String),
}

/// A name in scope.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    form: Form,
    label: Label,
    mutable: bool,
    /// The range of an index.
    index: Option<(Dim, Dim)>,
    /// Public, and no size: it was revealed.
    learnt: bool,
}

/// How much a script holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Few operations: its generated code compiles quickly.
    Small,
    /// Several statements.
    Full,
}

/// A script under construction.
struct Generator {
    extent: Extent,
    draw: Draw,
    script: Script,
    scopes: Vec<Vec<Known>>,
    mistakes: usize,
    names: usize,
    /// Divisions, roots, exponentials and logarithms of secrets that may still be drawn.
    heavy: usize,
    /// Sorts and shuffles that may still be drawn.
    sorts: usize,
    /// Inside a comprehension or the lambda of a tree.
    inside: usize,
}

/// The script of a seed, and how many statements the generator had to throw away because they were
/// not well formed.
pub fn script(seed: u64, extent: Extent) -> (Script, usize) {
    let mut draw = Draw::new(seed);
    let ring = if draw.percent(25) { 128 } else { 64 };
    // Hundreds of operations each.
    let rare = usize::from(extent == Extent::Small) * 5 + 1;
    let heavy = usize::from(draw.percent(8 / rare));
    let sorts = usize::from(draw.percent(35 / rare));
    let mut generator = Generator {
        extent,
        draw,
        script: Script {
            seed,
            ring,
            ..Script::default()
        },
        scopes: vec![vec![]],
        mistakes: 0,
        names: 0,
        heavy,
        sorts,
        inside: 0,
    };
    generator.items();
    generator.statements();
    (generator.script, generator.mistakes)
}

impl Generator {
    fn fresh(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}{}", self.names)
    }

    fn declare(&mut self, known: Known) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(known);
        }
    }

    fn tensor(&mut self, name: &str, ty: Ty, label: Label, mutable: bool) {
        self.declare(Known {
            name: name.to_owned(),
            form: Form::Tensor(ty),
            label,
            mutable,
            index: None,
            learnt: false,
        });
    }

    fn known(&self) -> impl Iterator<Item = &Known> {
        self.scopes.iter().flatten()
    }

    /// The names of sizes an input binds.
    fn size_names(&self) -> Vec<String> {
        self.script.sizes.keys().cloned().collect()
    }

    fn dim_value(&self, dim: &Dim) -> Option<i64> {
        let known = |name: &str| {
            let params = self.script.params.iter();
            let param = params.into_iter().find(|(n, _)| n == name);
            self.script.sizes.get(name).copied().or(param.map(|p| p.1))
        };
        dim.value(&known)
    }

    /// Statements, drawn again while they pass limits.
    fn statements(&mut self) {
        let Ok(mut machine) = Machine::new(&Rc::new(self.script.clone())) else {
            return;
        };
        let small = self.extent == Extent::Small;
        let wanted = if small { 1 } else { 2 + self.draw.below(5) };
        let mut done = 0;
        let mut tries = 0;
        while done < wanted && tries < 60 {
            tries += 1;
            done += usize::from(self.attempt(&mut machine, &mut |this| this.statement(0)));
        }
        let reveals = if small { 1 } else { 1 + self.draw.below(3) };
        let mut done = 0;
        let mut tries = 0;
        while done < reveals && tries < 60 {
            tries += 1;
            done += usize::from(self.attempt(&mut machine, &mut |this| this.final_reveal()));
        }
    }

    /// Draws statements and keeps them if they evaluate.
    fn attempt(
        &mut self,
        machine: &mut Machine,
        draw: &mut dyn FnMut(&mut Self) -> Vec<Stmt>,
    ) -> bool {
        let before = (self.scopes.clone(), self.names, self.heavy, self.sorts);
        let stmts = draw(self);
        let mut next = machine.clone();
        let done = stmts.iter().try_for_each(|s| next.stmt(s));
        match done {
            Ok(()) if !stmts.is_empty() => {
                *machine = next;
                self.script.body.extend(stmts);
                true
            }
            other => {
                if let Err(Stop::Wrong(what)) = other {
                    self.mistakes += 1;
                    if std::env::var_os("SMPC_RANDOM_TRACE").is_some() {
                        eprintln!("seed {}: {what}: {stmts:?}", self.script.seed);
                    }
                }
                (self.scopes, self.names, self.heavy, self.sorts) = before;
                false
            }
        }
    }

    /// Every dimension in use.
    fn dims(&self) -> Vec<Dim> {
        let mut dims: Vec<Dim> = vec![];
        for known in self.known() {
            if let Form::Tensor(ty) = &known.form {
                dims.extend(ty.dims.iter().cloned());
            }
        }
        dims
    }

    fn some_dim(&mut self) -> Dim {
        let dims = self.dims();
        if dims.is_empty() || self.draw.percent(15) {
            return Dim::constant(self.draw.range(1, 4));
        }
        self.draw.of(&dims).clone()
    }

    fn some_base(&mut self) -> Base {
        match self.draw.weighted(&[35, 30, 18, 10, 7]) {
            0 => Base::Int,
            1 => Base::Fix,
            2 => Base::Bool,
            3 => Base::Bits(*self.draw.of(&[4, 8, 16, 64])),
            _ => Base::Text(8),
        }
    }

    fn some_ty(&mut self) -> Ty {
        // Rather a type there is a value of.
        let types: Vec<Ty> = self
            .known()
            .filter_map(|k| match &k.form {
                Form::Tensor(ty) if k.index.is_none() => Some(ty.clone()),
                _ => None,
            })
            .collect();
        if !types.is_empty() && self.draw.percent(55) {
            return self.draw.of(&types).clone();
        }
        let base = self.some_base();
        let rank = self.draw.weighted(&[40, 45, 15]);
        let dims = (0..rank).map(|_| self.some_dim()).collect();
        Ty { base, dims }
    }

    /// A label a value may be drawn at.
    fn some_label(&mut self) -> Label {
        match self.draw.weighted(&[70, 15, 15]) {
            0 => Label::Secret,
            1 => Label::Public,
            _ => {
                let single = self
                    .script
                    .parties
                    .iter()
                    .position(|(_, members)| members.is_none());
                let count = self
                    .script
                    .parties
                    .iter()
                    .filter(|(_, members)| members.is_none())
                    .count();
                match single {
                    Some(first) => Label::Owned(first + self.draw.below(count)),
                    None => Label::Secret,
                }
            }
        }
    }

    fn size_expr(&self, dim: &Dim) -> Expr {
        match dim.as_constant() {
            Some(c) => Expr::Int(c.into()),
            None => Expr::Size(dim.clone()),
        }
    }
}
