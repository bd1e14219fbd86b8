//! Functions and errors of approximations as a drawing.

use super::choice;
use smpc_check::Approximation;
use std::fmt::Write;

/// One panel for each function with its curve, and below it the approximation's error, without rounding.
pub(super) fn chart(list: &[Approximation]) -> String {
    let (width, height, gap) = (640.0, 200.0, 40.0);
    let total = (2.0 * height + 3.0 * gap) * list.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{total}\" font-family=\"sans-serif\" font-size=\"12\">\n",
        width + 2.0 * gap
    );
    for (at, one) in list.iter().enumerate() {
        let top = (2.0 * height + 3.0 * gap) * at as f64 + gap;
        let points: Vec<f64> = (0..=640)
            .map(|i| one.domain.point(f64::from(i) / 320.0 - 1.0))
            .collect();
        let value: Vec<f64> = points.iter().map(|x| one.function.at(*x)).collect();
        let error: Vec<f64> = points
            .iter()
            .map(|x| one.found.at(*x) - one.function.at(*x))
            .collect();
        let bound = one.found.budget().total();
        let title = format!("{}, {}", one.name, choice(&one.found));
        let told = format!("error, at most {bound:.2e} with rounding");
        panel(&mut svg, &value, &title, (gap, top, width, height));
        panel(
            &mut svg,
            &error,
            &told,
            (gap, top + height + gap, width, height),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, values: &[f64], title: &str, place: (f64, f64, f64, f64)) {
    let (left, top, width, height) = place;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(f64::MIN_POSITIVE);
    let last = (values.len() - 1) as f64;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(i, v)| {
            let (x, y) = (
                left + width * i as f64 / last,
                top + height * (high - v) / span,
            );
            format!("{x:.1},{y:.1}")
        })
        .collect();
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\">{title}: {low:.3e} to {high:.3e}</text>\n\
         <rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#bbb\"/>\n\
         <polyline fill=\"none\" stroke=\"#05a\" points=\"{}\"/>",
        top - 6.0,
        points.join(" ")
    );
}
