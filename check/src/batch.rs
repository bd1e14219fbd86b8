//! Functions that compute a comprehension of another one at once: `fn all<m, n>(x: [int; m, n]) -> [int; m]
//! realises [one(x[i]) for i in 0..m]` stands wherever `one` is called inside of a comprehension or of a loop that is one,
//! so that what `one` reveals, shuffles or turns by a public condition is done for all of them in the same rounds.

use std::collections::BTreeSet;
use std::rc::Rc;

use smpc_grammar::ast::{self, Comp, Expr, ExprKind, Span};
use smpc_ir::size::Size;

use crate::build::{Elab, FnDef};
use crate::call::{Args, parameters};
use crate::value::{Axis, Leaf, Val};

/// What `realises` of a function looks like.
pub(crate) const FORM: &str = "write `realises [f(x[i], y) for i in 0..m]`: another function of this file, of parameters of this one";

/// What to do where the iterations of a comprehension do not run side by side by themselves.
pub(crate) const HELP: &str = "write a `for` loop, whose turns come one after another; or put it into a function, and write one for all of them at once that says `realises [f(x[i]) for i in 0..m]`";

/// What a function says that it computes at once.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The function that is called for every index.
    pub name: String,
    /// Its arguments: parameters of the function that says so, and whether the index picks a row.
    pub args: Vec<(String, bool)>,
}

impl Batch {
    /// Reads the term of a `realises`.
    pub fn of(function: &ast::Function, term: &Expr) -> Result<Self, String> {
        let read = || -> Option<Self> {
            let ExprKind::Comprehension(body, comp) = &term.kind else {
                return None;
            };
            let index = only_index(comp)?;
            let ExprKind::Call { callee, args } = &body.kind else {
                return None;
            };
            let args = args.iter().map(|arg| match &arg.value.kind {
                _ if arg.name.is_some() || arg.comp.is_some() => None,
                ExprKind::Index { base, indices } => match indices.as_slice() {
                    [at] if !at.secret && plain(&at.value)? == index => {
                        Some((plain(base)?.to_owned(), true))
                    }
                    _ => None,
                },
                _ => Some((plain(&arg.value)?.to_owned(), false)),
            });
            Some(Self {
                name: plain(callee)?.to_owned(),
                args: args.collect::<Option<_>>()?,
            })
        };
        let batch = read().ok_or("this is no comprehension of a call")?;
        let mut own: Vec<&str> = function
            .params
            .iter()
            .flat_map(|group| group.names.iter().map(|n| n.ident.name.as_str()))
            .collect();
        let mut used: Vec<&str> = batch.args.iter().map(|(name, _)| name.as_str()).collect();
        own.sort_unstable();
        used.sort_unstable();
        if own != used {
            return Err("each parameter of the function is one argument of the call".to_owned());
        }
        if batch.args.iter().all(|(_, row)| !row) {
            return Err("the index picks no row of any parameter".to_owned());
        }
        Ok(batch)
    }
}

impl Elab<'_> {
    /// The value of a call inside of a comprehension, if a function of the same file computes all of them at once.
    pub fn at_once_elsewhere(&mut self, def: &Rc<FnDef>, args: &Args, span: Span) -> Option<Val> {
        let given: Vec<&Val> = args.positional.iter().map(|(val, _)| val).collect();
        if !args.named.is_empty() || given.len() != parameters(def).count() {
            return None;
        }
        let axes_of = |val: &Val| -> Vec<Axis> {
            let leaves = val.leaves();
            leaves.iter().flat_map(|l| l.axes.clone()).collect()
        };
        // A call for each index, also if the arguments are the same for all: it may draw.
        let given_axes = given.iter().flat_map(|val| axes_of(val));
        let axes: BTreeSet<Axis> = given_axes.chain(self.open.iter().copied()).collect();
        // Pairs of a tree are no independent rows.
        if axes.is_empty() || axes.iter().any(|axis| axis.0 < 0) {
            return None;
        }
        let (whole, batch) = self.batch_of(def)?;
        if batch.args.len() != given.len() {
            return None;
        }
        let axes: Vec<Axis> = axes.into_iter().collect();
        let mut ready = vec![];
        for ((name, row), val) in batch.args.iter().zip(given) {
            if !row && !axes_of(val).is_empty() {
                return None;
            }
            let val = if *row {
                self.rows_of(val, &axes, span)
            } else {
                val.clone()
            };
            ready.push((name.clone(), val));
        }
        let mut positional = vec![];
        for (parameter, _) in parameters(&whole) {
            let found = ready.iter().find(|(name, _)| *name == parameter.ident.name);
            positional.push((found?.1.clone(), span));
        }
        self.called
            .insert((def.module, def.name.clone(), parameters(def).count()));
        // What it computes is no part of the comprehension.
        let open = std::mem::take(&mut self.open);
        let named = vec![];
        let result = self.inline(&whole, Args { positional, named }, span);
        self.open = open;
        Some(self.elements_of(&result, &axes, span))
    }

    /// The function that realises comprehensions of another one of its file.
    fn batch_of(&mut self, def: &Rc<FnDef>) -> Option<(Rc<FnDef>, Batch)> {
        let count = parameters(def).count();
        self.realising(def.module).iter().find_map(|whole| {
            let terms = whole.function.clauses.iter().filter_map(|c| match &c.kind {
                ast::ClauseKind::Realises(term) => Batch::of(&whole.function, term).ok(),
                _ => None,
            });
            let mut fits = terms.filter(|b| b.name == def.name && b.args.len() == count);
            fits.next().map(|batch| (whole.clone(), batch))
        })
    }

    /// What a function says that it realises is a function of the same file.
    pub fn realised_exists(&mut self, def: &Rc<FnDef>) {
        for clause in &def.function.clauses {
            let ast::ClauseKind::Realises(term) = &clause.kind else {
                continue;
            };
            let Ok(batch) = Batch::of(&def.function, term) else {
                continue;
            };
            let known = self.functions(def.module, &batch.name);
            let fits = known.is_some_and(|list| {
                list.iter()
                    .any(|f| parameters(f).count() == batch.args.len())
            });
            if !fits {
                let message = format!(
                    "this file has no function `{}` of {} parameters",
                    batch.name,
                    batch.args.len()
                );
                self.error_help("N01", clause.span, message, FORM);
            }
        }
    }

    /// The elements at all indices as rows of one more dimension.
    fn rows_of(&mut self, val: &Val, axes: &[Axis], span: Span) -> Val {
        let rows = self.collect_all(val, axes, span);
        if axes.len() == 1 {
            return rows;
        }
        rows.map(&mut |leaf| {
            let (outer, own) = leaf.dims.split_at(axes.len());
            let mut dims = vec![outer.iter().fold(Size::one(), |p, d| &p * d)];
            dims.extend(own.iter().cloned());
            Some(self.laid_out(leaf, dims, span))
        })
    }

    /// Rows as elements at the indices.
    fn elements_of(&mut self, val: &Val, axes: &[Axis], span: Span) -> Val {
        let extents = self.extents(axes);
        let count = extents.iter().fold(Size::one(), |p, d| &p * d);
        val.map(&mut |leaf| {
            let Some((rows, own)) = leaf.dims.split_first() else {
                let message = "a function that realises a comprehension has a row for each index";
                self.error("D01", span, message);
                return None;
            };
            self.unify(rows, &count, span)?;
            let mut dims = extents.clone();
            dims.extend(own.iter().cloned());
            let mut leaf = self.laid_out(leaf, dims, span);
            for axis in axes {
                leaf = self.iterated(&leaf, 0, *axis, span);
            }
            Some(leaf)
        })
    }

    /// The same elements in row-major order with other dimensions, as many elements.
    pub fn laid_out(&mut self, leaf: &Leaf, dims: Vec<Size>, span: Span) -> Leaf {
        let value = self.value(leaf, span);
        let out = Leaf {
            dims,
            ..leaf.clone()
        };
        let shape = self.shape(&out);
        let value = self.reshaped(value, shape, span);
        self.leaf(value, &out)
    }
}

/// A name by itself.
fn plain(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Path { path, generics } if generics.is_empty() => {
            match path.segments.as_slice() {
                [one] => Some(one.name.as_str()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The index of a comprehension over one range.
fn only_index(comp: &Comp) -> Option<&str> {
    match comp.iters.as_slice() {
        [one] if comp.guard.is_none() && one.over.is_some() => plain(&one.binder),
        _ => None,
    }
}
