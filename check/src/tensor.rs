//! Shapes: indexing, slices, gathers, comprehensions, reductions along an axis, matrix products.

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::Span;
use smpc_ir::local::{Local, Prim};
use smpc_ir::share::{Label, Type};
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::ops::BOOL;
use crate::value::{Axis, Leaf, Src};

impl Elab<'_> {
    /// `leaf[index]` along its own dimension `at`. The dimension disappears, or is replaced by those
    /// of an index tensor.
    pub fn index(&mut self, leaf: &Leaf, at: usize, index: &Leaf, span: Span) -> Option<Leaf> {
        if index.ty != Type::Int {
            self.error("T01", span, "an index is an int");
            return None;
        }
        match index.label {
            Label::Public => {}
            Label::Secret => {
                let diagnostic = Diagnostic::new("K12", "this index is secret", span)
                    .help("write `a[secret i]`: it reads every element and costs one comparison per element");
                let diagnostic = self.with_path(diagnostic, index);
                self.report(diagnostic);
                return None;
            }
            Label::Owned(set) => {
                let names = self.party_names(set);
                if !matches!(leaf.label, Label::Owned(_) | Label::Public) {
                    self.error_help(
                        "K12",
                        span,
                        format!("this index is known to {names} only"),
                        "write `a[secret share i]`, or reveal the index",
                    );
                    return None;
                }
            }
        }
        let dim = self.canon(&leaf.dims[at]);
        match &index.src {
            Src::Size(i) => {
                let i = self.canon(i);
                let end = &i + &Size::one();
                self.in_range(&i, &end, &dim, span)?;
                if let (Src::Data(data), 1, Some(i)) = (&leaf.src, leaf.dims.len(), i.as_constant())
                {
                    let value = data.get(usize::try_from(i).ok()?)?;
                    return Some(Leaf::literal(*value, leaf.ty));
                }
                let row = self.slice(leaf, at, &i, &end, span);
                let mut dims = leaf.dims.clone();
                dims.remove(at);
                let value = self.value(&row, span);
                let mut shape = self.extents(&leaf.axes);
                shape.extend(dims.iter().cloned());
                let value = self.reshaped(value, shape, span);
                Some(Leaf {
                    src: Src::Ir(value),
                    dims,
                    ..leaf.clone()
                })
            }
            Src::Index(axis, offset) if !leaf.axes.contains(axis) => {
                let extent = self.extent(*axis);
                let offset = self.canon(offset);
                let end = &offset + &extent;
                self.in_range(&offset, &end, &dim, span)?;
                let row = if offset == Size::zero() && self.canon(&extent) == dim {
                    leaf.clone()
                } else {
                    self.slice(leaf, at, &offset, &end, span)
                };
                Some(self.iterated(&row, at, *axis, span))
            }
            _ => self.gather(leaf, at, index, span),
        }
    }

    /// Reports an index outside its dimension, where that is certain or nothing speaks for it.
    fn in_range(&mut self, start: &Size, end: &Size, dim: &Size, span: Span) -> Option<()> {
        let low = self.fits(&Size::zero(), start);
        let high = self.fits(end, dim);
        if low != Some(false) && high == Some(true) {
            return Some(());
        }
        if high == Some(true) {
            let message = format!("the index {} is below zero", self.show_index(start));
            self.error("D03", span, message);
            return None;
        }
        let last = self.show_index(&(end - &Size::one()));
        let dim_shown = self.show_index(dim);
        let message =
            format!("the index goes up to {last}, and the dimension has {dim_shown} elements",);
        if (dim - end).as_constant().is_some() {
            self.error("D03", span, message);
        } else {
            let help = format!(
                "if it stays in range in every run, say so before: `assert({last} < {dim_shown});`, or write this in `if {last} < {dim_shown} {{ … }}`"
            );
            self.error_help("D03", span, message, &help);
        }
        None
    }

    /// The own dimension `at` becomes the iteration axis.
    pub fn iterated(&mut self, leaf: &Leaf, at: usize, axis: Axis, span: Span) -> Leaf {
        let mut axes = leaf.axes.clone();
        let place = axes.partition_point(|a| *a < axis);
        axes.insert(place, axis);
        let mut dims = leaf.dims.clone();
        dims.remove(at);
        if let (Src::Fill(value), true) = (&leaf.src, dims.is_empty() && leaf.axes.is_empty()) {
            return Leaf::literal(*value, leaf.ty);
        }
        let value = self.value(leaf, span);
        let from = leaf.axes.len() + at;
        let total = leaf.axes.len() + leaf.dims.len();
        let mut order: Vec<u8> = (0..total as u8)
            .filter(|i| usize::from(*i) != from)
            .collect();
        order.insert(place, from as u8);
        let value = self.transposed(value, order, span);
        Leaf {
            src: Src::Ir(value),
            axes,
            dims,
            ..leaf.clone()
        }
    }

    /// The iteration axis becomes own dimension 0; a leaf that does not depend on it is repeated.
    pub fn collected(&mut self, leaf: &Leaf, axis: Axis, span: Span) -> Leaf {
        let extent = self.extent(axis);
        let mut dims = vec![extent];
        dims.extend(leaf.dims.iter().cloned());
        let Some(place) = leaf.axes.iter().position(|a| *a == axis) else {
            if leaf.is_scalar() {
                match &leaf.src {
                    Src::Literal(v) => {
                        return Leaf {
                            src: Src::Fill(*v),
                            dims,
                            ..leaf.clone()
                        };
                    }
                    Src::Size(s) if s.as_constant().is_some() => {
                        let value = s.as_constant().unwrap_or(0);
                        return Leaf {
                            src: Src::Fill(value),
                            dims,
                            ..leaf.clone()
                        };
                    }
                    _ => {}
                }
            }
            if let (Src::Fill(_), true) = (&leaf.src, leaf.axes.is_empty()) {
                return Leaf {
                    dims,
                    ..leaf.clone()
                };
            }
            let mut unit = self.extents(&leaf.axes);
            let mut full = unit.clone();
            unit.push(Size::one());
            unit.extend(leaf.dims.iter().cloned());
            full.extend(dims.iter().cloned());
            let value = self.value(leaf, span);
            let value = if leaf.is_scalar() {
                value
            } else {
                self.reshaped(value, unit, span)
            };
            let info = (leaf.ty, full, leaf.label);
            let value = self.local(Local::Broadcast, vec![value], info, span);
            return Leaf {
                src: Src::Ir(value),
                dims,
                ..leaf.clone()
            };
        };
        let value = self.value(leaf, span);
        let last = leaf.axes.len() - 1;
        let total = leaf.axes.len() + leaf.dims.len();
        let mut order: Vec<u8> = (0..total as u8).collect();
        let moved = order.remove(place);
        order.insert(last, moved);
        let value = self.transposed(value, order, span);
        let mut axes = leaf.axes.clone();
        axes.remove(place);
        Leaf {
            src: Src::Ir(value),
            axes,
            dims,
            ..leaf.clone()
        }
    }

    /// `leaf[start..end]` along its own dimension `at`.
    pub fn slice(&mut self, leaf: &Leaf, at: usize, start: &Size, end: &Size, span: Span) -> Leaf {
        let length = end - start;
        if *start == Size::zero() && length == leaf.dims[at] {
            return leaf.clone();
        }
        let mut dims = leaf.dims.clone();
        dims[at] = length;
        if let Src::Fill(_) = leaf.src {
            return Leaf {
                dims,
                ..leaf.clone()
            };
        }
        let value = self.value(leaf, span);
        let mut shape = self.extents(&leaf.axes);
        shape.extend(dims.iter().cloned());
        let op = Local::Slice {
            axis: (leaf.axes.len() + at) as u8,
            start: start.clone(),
            end: end.clone(),
        };
        let value = self.local(op, vec![value], (leaf.ty, shape, leaf.label), span);
        Leaf {
            src: Src::Ir(value),
            dims,
            ..leaf.clone()
        }
    }

    /// A checked `leaf[start..end]`.
    pub fn sliced(
        &mut self,
        leaf: &Leaf,
        at: usize,
        range: (&Leaf, &Leaf),
        span: Span,
    ) -> Option<Leaf> {
        if let (Src::Index(a, from), Src::Index(b, to)) = (&range.0.src, &range.1.src)
            && a == b
            && !leaf.axes.contains(a)
        {
            return self.window(leaf, at, (range.0, from, to), span);
        }
        let (Some(start), Some(end)) = (range.0.as_size(), range.1.as_size()) else {
            self.error_help(
                "D02",
                span,
                "the ends of this range are no sizes: they come from data",
                "a size is a literal, a param, an input's dimension, or a sum or product of these",
            );
            return None;
        };
        let (start, end) = (self.canon(start), self.canon(end));
        let dim = self.canon(&leaf.dims[at]);
        self.in_range(&start, &end, &dim, span)?;
        Some(self.slice(leaf, at, &start, &end, span))
    }

    /// `leaf[i + a..i + b]` for the index i of a comprehension: b - a elements for each i.
    fn window(
        &mut self,
        leaf: &Leaf,
        at: usize,
        (start, from, to): (&Leaf, &Size, &Size),
        span: Span,
    ) -> Option<Leaf> {
        if at != 0 {
            self.error_help(
                "U01",
                span,
                "a range that moves with an index is executable along the first axis only",
                "transpose first, or write the elements as a comprehension",
            );
            return None;
        }
        let Src::Index(axis, _) = start.src else {
            return None;
        };
        let (from, to) = (self.canon(from), self.canon(to));
        let last = &self.extent(axis) - &Size::one();
        let dim = self.canon(&leaf.dims[at]);
        self.in_range(&from, &(&to + &last), &dim, span)?;
        let within = self.new_axis(&to - &from);
        self.open.push(within);
        let step = Leaf {
            src: Src::Index(within, Size::zero()),
            axes: vec![within],
            ..Leaf::size(Size::zero())
        };
        let index = self.prim(Prim::Add, &[start, &step], Type::Int, span);
        let rows = index.and_then(|index| self.gather(leaf, at, &index, span));
        self.open.pop();
        Some(self.collected(&rows?, within, span))
    }

    /// `leaf[index]` by a clear index that is a value of the run.
    fn gather(&mut self, leaf: &Leaf, at: usize, index: &Leaf, span: Span) -> Option<Leaf> {
        let label = self.join(&[leaf, index], span)?;
        let shared: Vec<Axis> = index
            .axes
            .iter()
            .copied()
            .filter(|a| leaf.axes.contains(a))
            .collect();
        let rest: Vec<Axis> = leaf
            .axes
            .iter()
            .copied()
            .filter(|a| !shared.contains(a))
            .collect();
        // to [shared.., n, rest.., other own dims]
        let position = |a: &Axis| leaf.axes.iter().position(|b| b == a).unwrap_or(0) as u8;
        let mut order: Vec<u8> = shared.iter().map(position).collect();
        order.push((leaf.axes.len() + at) as u8);
        order.extend(rest.iter().map(position));
        order.extend(
            (0..leaf.dims.len())
                .filter(|d| *d != at)
                .map(|d| (leaf.axes.len() + d) as u8),
        );
        let value = self.value(leaf, span);
        let mut rows = self.transposed(value, order, span);
        let n = leaf.dims[at].clone();
        let other: Vec<Size> = leaf
            .dims
            .iter()
            .enumerate()
            .filter(|(d, _)| *d != at)
            .map(|(_, s)| s.clone())
            .collect();
        let mut positions = self.value(index, span);
        let index_shape = self.shape(index);
        if !shared.is_empty() {
            let count = self.extents(&shared).iter().fold(n.clone(), |p, e| &p * e);
            let mut shape = vec![count];
            shape.extend(self.extents(&rest));
            shape.extend(other.iter().cloned());
            rows = self.reshaped(rows, shape, span);
            let absolute = self.absolute(index, &n, &shared, span)?;
            positions = self.value(&absolute, span);
        }
        let mut shape = index_shape;
        shape.extend(self.extents(&rest));
        shape.extend(other.iter().cloned());
        let value = self.local(
            Local::Gather,
            vec![rows, positions],
            (leaf.ty, shape, label),
            span,
        );
        // now [index axes.., index dims.., rest.., other]
        let mut axes: Vec<Axis> = index.axes.iter().chain(&rest).copied().collect();
        axes.sort();
        let (ia, id) = (index.axes.len(), index.dims.len());
        let mut order: Vec<u8> = axes
            .iter()
            .map(|a| match index.axes.iter().position(|b| b == a) {
                Some(p) => p as u8,
                None => (ia + id + rest.iter().position(|b| b == a).unwrap_or(0)) as u8,
            })
            .collect();
        let before = at.min(other.len());
        let first_other = ia + id + rest.len();
        order.extend((0..before).map(|d| (first_other + d) as u8));
        order.extend((0..id).map(|d| (ia + d) as u8));
        order.extend((before..other.len()).map(|d| (first_other + d) as u8));
        let value = self.transposed(value, order, span);
        let mut dims: Vec<Size> = other[..before].to_vec();
        dims.extend(index.dims.iter().cloned());
        dims.extend(other[before..].iter().cloned());
        let origin = leaf.origin.clone();
        Some(Leaf {
            src: Src::Ir(value),
            ty: leaf.ty,
            axes,
            dims,
            label,
            origin,
        })
    }

    /// Positions in a dimension n as positions in what joins the dimensions of these axes, outermost
    /// first: (..(i0 * e1 + i1) * ..) * n + index. One that is out of range stays so.
    fn absolute(&mut self, index: &Leaf, n: &Size, axes: &[Axis], span: Span) -> Option<Leaf> {
        let mut linear: Option<Leaf> = None;
        for axis in axes {
            let this = Leaf {
                src: Src::Index(*axis, Size::zero()),
                axes: vec![*axis],
                ..Leaf::size(Size::zero())
            };
            linear = Some(match linear {
                None => this,
                Some(before) => {
                    let extent = Leaf::size(self.extent(*axis));
                    let scaled = self.prim(Prim::Mul, &[&before, &extent], Type::Int, span)?;
                    self.prim(Prim::Add, &[&scaled, &this], Type::Int, span)?
                }
            });
        }
        let width = Leaf::size(n.clone());
        let base = self.prim(Prim::Mul, &[&linear?, &width], Type::Int, span)?;
        let absolute = self.prim(Prim::Add, &[&base, index], Type::Int, span)?;
        let below = self.prim(Prim::Lt, &[index, &width], BOOL, span)?;
        let negative = Leaf::size(Size::zero());
        let negative = self.prim(Prim::Lt, &[index, &negative], BOOL, span)?;
        let within = self.prim(Prim::Add, &[&below, &negative], BOOL, span)?;
        let nowhere = Leaf::size(Size::from(-1));
        self.prim(
            Prim::Select,
            &[&within, &absolute, &nowhere],
            Type::Int,
            span,
        )
    }

    /// `leaf` with the row i of `rows` at position `places[i]` of its first dimension, for each element of
    /// the axes of all three.
    pub fn scattered(
        &mut self,
        leaf: &Leaf,
        rows: &Leaf,
        places: &Leaf,
        span: Span,
    ) -> Option<Leaf> {
        let label = self.join(&[leaf, rows], span)?;
        let secret = |this: &mut Self, leaf: &Leaf| match label {
            Label::Secret => this.shared(leaf, span),
            _ => leaf.clone(),
        };
        let (leaf, rows) = (secret(self, leaf), secret(self, rows));
        let mut axes: Vec<Axis> = leaf.axes.clone();
        axes.extend(rows.axes.iter().chain(&places.axes));
        axes.sort();
        axes.dedup();
        let mut shape = self.extents(&axes);
        let count = shape.iter().fold(Size::one(), |p, e| &p * e);
        shape.extend(leaf.dims.iter().cloned());
        let places = match axes.is_empty() {
            true => places.clone(),
            false => self.absolute(places, &leaf.dims[0].clone(), &axes, span)?,
        };
        let joined = |this: &mut Self, leaf: &Leaf| {
            let value = this.expanded(leaf, &axes, &leaf.dims.clone(), span);
            let mut flat = leaf.dims.clone();
            flat[0] = &flat[0] * &count;
            match axes.is_empty() {
                true => value,
                false => this.reshaped(value, flat, span),
            }
        };
        let values = vec![
            joined(self, &leaf),
            joined(self, &rows),
            joined(self, &places),
        ];
        let mut flat = leaf.dims.clone();
        flat[0] = &flat[0] * &count;
        let mut value = self.local(Local::Scatter, values, (leaf.ty, flat, label), span);
        if !axes.is_empty() {
            value = self.reshaped(value, shape, span);
        }
        let origin = rows.origin.clone().or_else(|| leaf.origin.clone());
        Some(Leaf {
            src: Src::Ir(value),
            axes,
            label,
            origin,
            ..leaf
        })
    }

    /// Sum over own dimension `at`.
    pub fn sum(&mut self, leaf: &Leaf, at: usize, span: Span) -> Option<Leaf> {
        if matches!(leaf.ty, Type::Bits(_)) {
            self.error_help(
                "T01",
                span,
                "bools are not summed",
                "count with `sum(x as int)` or `count(x)`",
            );
            return None;
        }
        let mut dims = leaf.dims.clone();
        dims.remove(at);
        let value = self.value(leaf, span);
        let mut shape = self.extents(&leaf.axes);
        shape.extend(dims.iter().cloned());
        let op = Local::Sum {
            axis: (leaf.axes.len() + at) as u8,
        };
        let value = self.local(op, vec![value], (leaf.ty, shape, leaf.label), span);
        Some(Leaf {
            src: Src::Ir(value),
            dims,
            ..leaf.clone()
        })
    }
}
