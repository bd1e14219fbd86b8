//! Trees of a known, short length, written out level by level.
//!
//! A tree that stays one operation ends a segment of the schedule: what stands beside it waits. Written
//! out it is ordinary code, and independent work shares its rounds: the prefix trees of a division,
//! for one, run beside what else it computes.

use smpc_grammar::ast::{Expr, Span};
use smpc_ir::share::Type;
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::value::{Leaf, Src, Val};

/// The longest list whose tree is written out.
pub(crate) const LONGEST: i128 = 64;

/// A lambda of two parameters.
pub(crate) struct Lambda<'a> {
    pub lo: (String, Span),
    pub hi: (String, Span),
    pub body: &'a Expr,
}

impl Elab<'_> {
    /// `reduce` and `scan` of n rows: the pairs of each level as a comprehension. The levels are those of
    /// [`smpc_ir::share::Op::Reduce`] and [`smpc_ir::share::Op::Scan`].
    pub fn levels(&mut self, scan: bool, val: Val, n: usize, f: &Lambda<'_>, span: Span) -> Val {
        let mut rows = val;
        if scan {
            let mut bit = 1;
            while bit < n {
                let high: Vec<usize> = (0..n).filter(|i| i & bit != 0).collect();
                let low: Vec<usize> = high.iter().map(|i| i / bit * bit - 1).collect();
                let Some(joined) = self.pairs(&rows, &low, &high, f, span) else {
                    return Val::Unknown;
                };
                let both = self.zip(&[rows, joined], span, &mut |this, parts| {
                    this.concat(parts, span)
                });
                let mut at = n..;
                let order: Vec<usize> = (0..n)
                    .map(|i| if i & bit != 0 { at.next() } else { None }.unwrap_or(i))
                    .collect();
                rows = self.rows_at(&both, &order, span);
                bit *= 2;
            }
            return rows;
        }
        let mut n = n;
        while n > 1 {
            let low: Vec<usize> = (0..n / 2).map(|i| 2 * i).collect();
            let high: Vec<usize> = low.iter().map(|i| i + 1).collect();
            let Some(joined) = self.pairs(&rows, &low, &high, f, span) else {
                return Val::Unknown;
            };
            rows = if n.is_multiple_of(2) {
                joined
            } else {
                let last = self.rows_at(&rows, &[n - 1], span);
                self.zip(&[joined, last], span, &mut |this, parts| {
                    this.concat(parts, span)
                })
            };
            n = n.div_ceil(2);
        }
        let first = Val::Leaf(Leaf::size(Size::zero()));
        self.at(&rows, &[(false, first, span)], span)
    }

    /// The lambda of rows `low[j]` and `high[j]`, for every j.
    fn pairs(
        &mut self,
        rows: &Val,
        low: &[usize],
        high: &[usize],
        f: &Lambda<'_>,
        span: Span,
    ) -> Option<Val> {
        let axis = self.new_axis(Size::from(low.len() as i128));
        let sides = [low, high].map(|places| {
            let side = self.rows_at(rows, places, span);
            side.map(&mut |leaf| Some(self.iterated(leaf, 0, axis, span)))
        });
        self.open.push(axis);
        self.open_scope();
        let [lo, hi] = sides;
        let taken = self.describe(&lo);
        self.declare(&f.lo.0, lo, false, f.lo.1);
        self.declare(&f.hi.0, hi, false, f.hi.1);
        let result = self.expr(f.body);
        self.close_scope();
        self.open.pop();
        if result.is_unknown() {
            return None;
        }
        let ranks =
            |val: &Val| -> Vec<usize> { val.leaves().iter().map(|l| l.dims.len()).collect() };
        let wanted: Vec<usize> = ranks(rows)
            .into_iter()
            .map(|r| r.saturating_sub(1))
            .collect();
        if ranks(&result) != wanted {
            let message = format!(
                "the lambda gives {}, and takes {taken}",
                self.describe(&result)
            );
            self.error("T01", f.body.span, message);
            return None;
        }
        Some(self.collect_all(&result, &[axis], span))
    }

    /// Rows at places that are known now.
    fn rows_at(&mut self, rows: &Val, places: &[usize], span: Span) -> Val {
        let data: Vec<i128> = places.iter().map(|p| *p as i128).collect();
        let count = Size::from(data.len() as i128);
        let index = Leaf::public(Src::Data(data.into()), Type::Int, vec![count]);
        self.at(rows, &[(false, Val::Leaf(index), span)], span)
    }
}
