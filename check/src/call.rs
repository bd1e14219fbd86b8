//! Calls: resolution, element-wise lifting, inlining.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use smpc_grammar::ast::{self, Arg, ClauseKind, Expr, ExprKind, Span};
use smpc_grammar::sources::Call;
use smpc_ir::size::Size;

use crate::build::{Elab, FnDef, Frame};
use crate::value::{Axis, Leaf, Val};

/// Arguments after evaluation.
pub(crate) struct Args {
    pub positional: Vec<(Val, Span)>,
    pub named: Vec<(String, Val, Span)>,
}

impl Elab<'_> {
    pub fn call(&mut self, callee: &Expr, args: &[Arg], span: Span) -> Val {
        let ExprKind::Path { path, .. } = &callee.kind else {
            self.error(
                "T01",
                callee.span,
                "only functions are called, by their names",
            );
            return Val::Unknown;
        };
        let here = self.frames.last().map_or(0, |f| f.module);
        let (module, name) = match path.segments.as_slice() {
            [name] => (None, name.clone()),
            [alias, name] => {
                let Some(module) = self.imported(&alias.name) else {
                    let names: Vec<String> = self.modules[here].imports.keys().cloned().collect();
                    self.unknown_name(&alias.name, "module", alias.span, &names);
                    return Val::Unknown;
                };
                (Some(module), name.clone())
            }
            _ => {
                self.error("N04", path.span, "a function is named `module::name`");
                return Val::Unknown;
            }
        };
        let local = self.functions(module.unwrap_or(here), &name.name);
        if module.is_none()
            && local.is_none()
            && let Some(result) = self.intrinsic(&name.name, args, span)
        {
            return result;
        }
        let candidates = match (local, module) {
            (Some(found), _) => found,
            (None, None) => match self.prelude.and_then(|p| self.functions(p, &name.name)) {
                Some(found) => found,
                None => return self.no_function(&name, here),
            },
            (None, Some(module)) => return self.no_function(&name, module),
        };
        let Some(args) = self.args(args) else {
            return Val::Unknown;
        };
        self.resolve(&candidates, args, &name.name, span)
    }

    fn no_function(&mut self, name: &ast::Ident, module: usize) -> Val {
        if self.modules[module].broken.contains(&name.name) {
            return Val::Unknown;
        }
        if let Some(what) = self.modules[module].refused.get(&name.name) {
            let message = format!("`{}` is {what}, which is not executable yet", name.name);
            self.error("U01", name.span, message);
            return Val::Unknown;
        }
        if name.name == "expect" {
            let message = "`expect` stands in tests only";
            let help = "write `test \"name\" { expect(f(share 2), 4); }`, and `smpc test`";
            self.error_help("T01", name.span, message, help);
            return Val::Unknown;
        }
        let mut names: Vec<String> = self.function_names(module).cloned().collect();
        if let Some(prelude) = self.prelude {
            names.extend(self.function_names(prelude).cloned());
        }
        names.extend(crate::intrinsic::NAMES.iter().map(|n| (*n).to_owned()));
        self.unknown_name(&name.name, "function", name.span, &names);
        Val::Unknown
    }

    /// Evaluates arguments in order.
    pub fn args(&mut self, args: &[Arg]) -> Option<Args> {
        let mut out = Args {
            positional: vec![],
            named: vec![],
        };
        for arg in args {
            let val = match &arg.comp {
                Some(comp) => self.generated(&arg.value, comp),
                None => self.expr(&arg.value),
            };
            match &arg.name {
                Some(name) => out.named.push((name.name.clone(), val, arg.value.span)),
                None => out.positional.push((val, arg.value.span)),
            }
        }
        let unknown = out.positional.iter().any(|(v, _)| v.is_unknown())
            || out.named.iter().any(|(_, v, _)| v.is_unknown());
        if unknown { None } else { Some(out) }
    }

    /// Calls a function of the prelude on evaluated arguments.
    pub fn call_prelude(&mut self, name: &str, args: &[Val], span: Span) -> Val {
        let found = self.prelude.and_then(|p| self.functions(p, name));
        let Some(candidates) = found else {
            let message =
                format!("this needs `{name}` of the library's prelude, which has no such function");
            self.error("U01", span, message);
            return Val::Unknown;
        };
        let positional = args.iter().map(|a| (a.clone(), span)).collect();
        self.resolve(
            &candidates,
            Args {
                positional,
                named: vec![],
            },
            name,
            span,
        )
    }

    fn resolve(&mut self, candidates: &[Rc<FnDef>], mut args: Args, name: &str, span: Span) -> Val {
        let axis = args.named.iter().position(|(n, _, _)| n == "axis");
        let takes_axis = candidates
            .iter()
            .any(|c| parameters(c).any(|(p, _)| p.ident.name == "axis"));
        if let (Some(at), false) = (axis, takes_axis) {
            let (_, axis, axis_span) = args.named.remove(at);
            return self.along(candidates, args, (axis, axis_span), name, span);
        }
        let count = args.positional.len();
        let fits = |def: &&Rc<FnDef>| {
            let total = parameters(def).count();
            let required = parameters(def).filter(|(p, g)| {
                g.default.is_none() && !args.named.iter().any(|(n, _, _)| *n == p.ident.name)
            });
            count <= total
                && count >= required.count()
                && args
                    .named
                    .iter()
                    .all(|(n, _, _)| parameters(def).any(|(p, _)| p.ident.name == *n))
        };
        let exact = |def: &&Rc<FnDef>| parameters(def).count() == count + args.named.len();
        let chosen = candidates
            .iter()
            .filter(fits)
            .find(exact)
            .or_else(|| candidates.iter().find(fits));
        let Some(def) = chosen.cloned() else {
            if let [only] = candidates
                && let Some((unknown, _, at)) = args
                    .named
                    .iter()
                    .find(|(n, _, _)| !parameters(only).any(|(p, _)| p.ident.name == *n))
            {
                let names: Vec<String> = parameters(only)
                    .map(|(p, _)| p.ident.name.clone())
                    .collect();
                let (unknown, at) = (unknown.clone(), *at);
                self.unknown_name(&unknown, "parameter", at, &names);
                return Val::Unknown;
            }
            let wanted: Vec<String> = candidates
                .iter()
                .map(|c| {
                    let names: Vec<&str> =
                        parameters(c).map(|(p, _)| p.ident.name.as_str()).collect();
                    format!("`{name}({})`", names.join(", "))
                })
                .collect();
            let given = count + args.named.len();
            let message = format!(
                "`{name}` does not take {given} argument{}",
                if given == 1 { "" } else { "s" }
            );
            self.error_help(
                "T02",
                span,
                message,
                format!("it is {}", wanted.join(" or ")),
            );
            return Val::Unknown;
        };
        self.lifted(&def, args, span)
    }

    /// `f(x, axis: k)`: along one axis, for every index of the others. What the function gives of each list, if it is a tensor,
    /// has its dimensions where that axis was, as in NumPy's `apply_along_axis`.
    fn along(
        &mut self,
        candidates: &[Rc<FnDef>],
        mut args: Args,
        axis: (Val, Span),
        name: &str,
        span: Span,
    ) -> Val {
        let along = match &axis.0 {
            Val::Leaf(leaf) => leaf.as_constant(),
            _ => None,
        };
        let tensor = args
            .positional
            .iter()
            .position(|(v, _)| matches!(v, Val::Leaf(l) if !l.dims.is_empty()));
        let (Some(along), Some(at)) = (along, tensor) else {
            self.error(
                "T01",
                axis.1,
                "`axis:` takes a constant, and the call a tensor",
            );
            return Val::Unknown;
        };
        let Val::Leaf(mut leaf) = args.positional[at].0.clone() else {
            return Val::Unknown;
        };
        let rank = leaf.dims.len();
        let Some(along) = usize::try_from(along).ok().filter(|a| *a < rank) else {
            self.error(
                "T01",
                axis.1,
                format!("the tensor has {rank} dimensions: axis 0 to {}", rank - 1),
            );
            return Val::Unknown;
        };
        let mut axes = vec![];
        for d in 0..rank {
            if d == along {
                continue;
            }
            let at = usize::from(d > along);
            let extent = leaf.dims[at].clone();
            let axis = self.new_axis(extent);
            leaf = self.iterated(&leaf, at, axis, span);
            axes.push(axis);
        }
        args.positional[at].0 = Val::Leaf(leaf);
        self.open.extend(&axes);
        let result = self.resolve(candidates, args, name, span);
        self.open.truncate(self.open.len() - axes.len());
        // A list that comes of each list stands where that stood.
        let others = axes.len() as u8;
        self.collect_all(&result, &axes, span).map(&mut |leaf| {
            let rank = leaf.dims.len() as u8;
            let along = along as u8;
            let order: Vec<u8> = (0..along)
                .chain(others..rank)
                .chain(along..others)
                .collect();
            Some(self.permuted(leaf, &order, span))
        })
    }

    /// The axes become leading own dimensions, the first outermost.
    pub fn collect_all(&mut self, val: &Val, axes: &[Axis], span: Span) -> Val {
        val.map(&mut |leaf| {
            let mut leaf = leaf.clone();
            for axis in axes.iter().rev() {
                leaf = self.collected(&leaf, *axis, span);
            }
            Some(leaf)
        })
    }

    /// Tensors given for scalar parameters make the call element-wise.
    fn lifted(&mut self, def: &Rc<FnDef>, mut args: Args, span: Span) -> Val {
        let types: Vec<(String, bool)> = parameters(def)
            .map(|(p, g)| (p.ident.name.clone(), Self::is_scalar_type(&g.ty)))
            .collect();
        let mut dims: Option<Vec<Size>> = None;
        let mut lift = vec![];
        let positional = args
            .positional
            .iter()
            .enumerate()
            .map(|(i, (v, s))| (i, types.get(i).is_some_and(|t| t.1), v, *s));
        let named = args.named.iter().enumerate().map(|(i, (n, v, s))| {
            (
                args.positional.len() + i,
                types.iter().any(|t| t.0 == *n && t.1),
                v,
                *s,
            )
        });
        let all: Vec<(usize, bool, Val, Span)> = positional
            .chain(named)
            .map(|(i, b, v, s)| (i, b, v.clone(), s))
            .collect();
        for (at, scalar, val, span) in all {
            let Val::Leaf(leaf) = val else { continue };
            if !scalar || leaf.dims.is_empty() {
                continue;
            }
            match &mut dims {
                None => dims = Some(leaf.dims.clone()),
                Some(known) if known.len() == leaf.dims.len() => {
                    for (dim, other) in known.iter_mut().zip(&leaf.dims) {
                        match self.unify(dim, other, span) {
                            Some(size) => *dim = size,
                            None => return Val::Unknown,
                        }
                    }
                }
                Some(_) => {
                    self.error(
                        "T01",
                        span,
                        "element by element, the arguments have different numbers of dimensions",
                    );
                    return Val::Unknown;
                }
            }
            lift.push((at, leaf));
        }
        let Some(dims) = dims else {
            return self.inline(def, args, span);
        };
        let axes: Vec<Axis> = dims.into_iter().map(|d| self.new_axis(d)).collect();
        let count = args.positional.len();
        for (at, mut leaf) in lift {
            for axis in &axes {
                leaf = self.iterated(&leaf, 0, *axis, span);
            }
            if at < count {
                args.positional[at].0 = Val::Leaf(leaf);
            } else {
                args.named[at - count].1 = Val::Leaf(leaf);
            }
        }
        self.open.extend(&axes);
        let result = self.inline(def, args, span);
        self.open.truncate(self.open.len() - axes.len());
        self.collect_all(&result, &axes, span)
    }

    /// Elaborates the body of a function at its call.
    pub fn inline(&mut self, def: &Rc<FnDef>, args: Args, span: Span) -> Val {
        if let Some(result) = self.at_once_elsewhere(def, &args, span) {
            return result;
        }
        if self.calls.iter().any(|(called, _)| Rc::ptr_eq(called, def)) {
            self.error_help(
                "N03",
                span,
                format!("`{}` calls itself", def.name),
                "there is no recursion: write a loop",
            );
            return Val::Unknown;
        }
        let Some(body) = def.function.body.clone() else {
            self.error("U01", span, format!("`{}` has no body", def.name));
            return Val::Unknown;
        };
        self.called
            .insert((def.module, def.name.clone(), parameters(def).count()));
        self.calls.push((def.clone(), span));
        self.frames.push(Frame {
            scopes: vec![HashMap::new()],
            module: def.module,
            function: Some(def.clone()),
            revealed: BTreeSet::new(),
        });
        let around = self.call;
        let result = self.inlined(def, &body, args, span);
        self.call = around;
        self.check_declared_reveals(def);
        self.frames.pop();
        self.calls.pop();
        result
    }

    fn inlined(&mut self, def: &Rc<FnDef>, body: &ast::Block, args: Args, span: Span) -> Val {
        let mut positional = args.positional.into_iter();
        let mut named = args.named;
        let params: Vec<(String, Span, ast::ParamGroup)> = parameters(def)
            .map(|(p, g)| (p.ident.name.clone(), p.span, g.clone()))
            .collect();
        // Bare size names bind left to right, so written arguments come before defaults.
        let mut defaults = vec![];
        for (name, at, group) in params {
            let given = positional.next().or_else(|| {
                let found = named.iter().position(|(n, _, _)| *n == name)?;
                let (_, val, span) = named.remove(found);
                Some((val, span))
            });
            match given {
                Some((val, arg_span)) => {
                    let val = self.accept_in_signature(&val, &group.ty, arg_span);
                    self.declare(&name, val, false, at);
                }
                None => defaults.push((name, at, group)),
            }
        }
        // Arguments stand where the caller is.
        self.call = self.sources.call(Call {
            function: def.name.clone(),
            span,
            within: self.call,
        });
        for (name, at, group) in defaults {
            let Some(default) = &group.default else {
                continue;
            };
            let val = self.expr(default);
            let val = self.accept_in_signature(&val, &group.ty, default.span);
            self.declare(&name, val, false, at);
        }
        let result = self.block(body);
        let declared: Vec<&ast::Type> = def
            .function
            .results
            .iter()
            .flat_map(|r| std::iter::repeat_n(&r.ty, r.names.len().max(1)))
            .collect();
        let end = body.stmts.last().map_or(body.span, |s| s.span);
        match (declared.as_slice(), result) {
            (_, Val::Unknown) => Val::Unknown,
            ([], _) => Val::Unit,
            ([ty], val) => self.accept_in_signature(&val, ty, end),
            (types, Val::Tuple(items)) if items.len() == types.len() => Val::Tuple(
                items
                    .iter()
                    .zip(types)
                    .map(|(item, ty)| self.accept_in_signature(item, ty, end))
                    .collect(),
            ),
            (types, other) => {
                let message = format!(
                    "`{}` declares {} results, and its body gives {}",
                    def.name,
                    types.len(),
                    other.kind()
                );
                let _ = span;
                self.error("T01", end, message);
                Val::Unknown
            }
        }
    }

    fn check_declared_reveals(&mut self, def: &Rc<FnDef>) {
        let revealed = match self.frames.last() {
            Some(frame) => frame.revealed.clone(),
            None => return,
        };
        for clause in &def.function.clauses {
            if let ClauseKind::Reveals(reveals) = &clause.kind
                && !revealed.contains(&reveals.name.name)
                && self.diagnostics.is_empty()
            {
                let message = format!(
                    "`{}` declares that it reveals `{}`, and never does",
                    def.name, reveals.name.name
                );
                self.error("R03", clause.span, message);
            }
        }
    }

    /// Whether a leaf may be used as one number.
    pub fn one_leaf(&mut self, val: &Val, what: &str, span: Span) -> Option<Leaf> {
        match val {
            Val::Leaf(leaf) => Some(leaf.clone()),
            Val::Unknown => None,
            other => {
                let message = format!(
                    "{what} takes a number or tensor, and this is {}",
                    other.kind()
                );
                self.error("T01", span, message);
                None
            }
        }
    }
}

/// The parameters of a function, each with its group.
pub(crate) fn parameters(def: &FnDef) -> impl Iterator<Item = (&ast::Name, &ast::ParamGroup)> {
    def.function
        .params
        .iter()
        .flat_map(|g| g.names.iter().map(move |n| (n, g)))
}
