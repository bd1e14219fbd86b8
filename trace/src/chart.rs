//! A recording as a sequence chart in SVG: parties as lifelines, exchanges as bands.

use crate::fold::{Node, Round, fold};
use crate::text::{groups, name, round_name, shares, times_name};
use crate::{Filter, Item, Phase, Recording, counted, grouped};
use std::fmt::Write;

/// Longer runs are cut: a chart is for reading.
const MOST_ROWS: usize = 400;

/// Lengths in pixels.
mod size {
    /// From the left edge to the first lifeline: names of rounds.
    pub const LEFT: usize = 190;
    /// Room for what stands beside the arrows.
    pub const RIGHT: usize = 520;
    /// From the top to the first band.
    pub const TOP: usize = 96;
    /// One row of arrows.
    pub const ROW: usize = 30;
    /// The heading of a repetition.
    pub const HEADING: usize = 24;
    /// Above the first and below the last row of a band.
    pub const PAD: usize = 6;
    /// At the bottom.
    pub const BOTTOM: usize = 44;
    /// About the width of a letter.
    pub const LETTER: usize = 7;
    /// How far a repetition is moved in.
    pub const INDENT: usize = 12;
}

/// What is drawn, one after the other.
enum Band<'r> {
    /// A repetition begins.
    Heading { text: String, depth: usize },
    /// One exchange.
    Exchange {
        name: String,
        depth: usize,
        round: Round<'r>,
    },
}

/// A drawing with the height it has so far.
struct Chart<'r> {
    recording: &'r Recording,
    /// Distance of lifelines.
    column: usize,
    y: usize,
    body: String,
}

/// The recording as a drawing. It never shows values, even if the recording has them.
pub fn svg(recording: &Recording, filter: &Filter) -> String {
    let mut bands = vec![];
    for node in &fold(recording, filter) {
        flatten(node, 0, None, &mut bands);
    }
    let longest = recording.parties.iter().map(|p| p.chars().count()).max();
    let column = (longest.unwrap_or(0) * size::LETTER + 24).clamp(104, 170);
    let mut chart = Chart {
        recording,
        column,
        y: size::TOP,
        body: String::new(),
    };
    let mut rows = 0;
    let mut left = 0;
    for (at, band) in bands.iter().enumerate() {
        if rows >= MOST_ROWS {
            let rest = bands[at..].iter();
            left = rest
                .filter(|band| matches!(band, Band::Exchange { .. }))
                .count();
            break;
        }
        rows += chart.band(band, at);
    }
    chart.finish(left)
}

fn flatten<'r>(node: &Node<'r>, depth: usize, start: Option<u64>, into: &mut Vec<Band<'r>>) {
    match node {
        Node::Round(round) => into.push(Band::Exchange {
            name: round_name(round, start),
            depth,
            round: round.clone(),
        }),
        Node::Times { times, last, body } => {
            let Some(first) = node.first() else { return };
            let text = times_name(first, *last, *times, start);
            let start = Some(first.number);
            if let [Node::Round(round)] = body.as_slice() {
                into.push(Band::Exchange {
                    name: text,
                    depth,
                    round: round.clone(),
                });
                return;
            }
            into.push(Band::Heading { text, depth });
            for inner in body {
                flatten(inner, depth + 1, start, into);
            }
        }
    }
}

impl Chart<'_> {
    fn lifeline(&self, party: usize) -> usize {
        size::LEFT + self.column / 2 + party * self.column
    }

    /// Where what stands beside the arrows begins.
    fn beside(&self) -> usize {
        size::LEFT + self.recording.parties.len() * self.column + 12
    }

    fn width(&self) -> usize {
        self.beside() + size::RIGHT
    }

    /// Draws one band; gives its rows.
    fn band(&mut self, band: &Band<'_>, at: usize) -> usize {
        match band {
            Band::Heading { text, depth } => {
                let (x, y) = (12 + depth * size::INDENT, self.y + 17);
                let text = escaped(text);
                let _ = writeln!(
                    self.body,
                    r#"<text class="heading" x="{x}" y="{y}">{text}</text>"#
                );
                self.y += size::HEADING;
                1
            }
            Band::Exchange { name, depth, round } => self.exchange(name, *depth, round, at),
        }
    }

    fn exchange(&mut self, name: &str, depth: usize, round: &Round<'_>, at: usize) -> usize {
        let groups = groups(round);
        let height = groups.len() * size::ROW + 2 * size::PAD;
        let class = match round.phase {
            Phase::Setup => "setup",
            Phase::Offline => "offline",
            Phase::Online if at.is_multiple_of(2) => "even",
            Phase::Online => "odd",
        };
        let (y, width) = (self.y, self.width());
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="0" y="{y}" width="{width}" height="{height}"/>"#
        );
        let x = 12 + depth * size::INDENT;
        let label_y = y + size::PAD + 19;
        let label = escaped(name);
        let _ = writeln!(
            self.body,
            r#"<text class="round" x="{x}" y="{label_y}">{label}</text>"#
        );
        for (row, group) in groups.iter().enumerate() {
            let y = self.y + size::PAD + row * size::ROW + 20;
            let from = self.lifeline(group.message.from);
            let bytes = grouped(group.message.bytes);
            let mut receivers = group.to.clone();
            receivers.dedup();
            for to in &receivers {
                let x = self.lifeline(*to);
                let times = group.to.iter().filter(|other| *other == to).count();
                let bytes = if times > 1 {
                    format!("{times} × {bytes}")
                } else {
                    bytes.clone()
                };
                // The head ends at the lifeline rather than across it.
                let (tip, label) = if x > from {
                    (x - 2, x - self.column / 2)
                } else {
                    (x + 2, x + self.column / 2)
                };
                let _ = writeln!(
                    self.body,
                    r#"<line class="arrow" x1="{from}" y1="{y}" x2="{tip}" y2="{y}"/>"#
                );
                let above = y - 5;
                let _ = writeln!(
                    self.body,
                    r#"<text class="bytes" x="{label}" y="{above}">{bytes}</text>"#
                );
            }
            let _ = writeln!(
                self.body,
                r#"<circle class="sender" cx="{from}" cy="{y}" r="3"/>"#
            );
            let (x, text_y) = (self.beside(), y - 1);
            let (short, full) = beside(self.recording, &group.message.items);
            let _ = writeln!(
                self.body,
                r#"<text class="what" x="{x}" y="{text_y}">{}<title>{}</title></text>"#,
                escaped(&short),
                escaped(&full)
            );
        }
        self.y += height;
        groups.len()
    }

    fn finish(self, left: usize) -> String {
        let recording = self.recording;
        let (width, bottom) = (self.width(), self.y);
        let height = bottom + size::BOTTOM;
        let totals = recording.totals();
        let messages = counted(totals.iter().map(|t| t.messages).sum(), "message");
        let bytes = counted(totals.iter().map(|t| t.bytes).sum(), "byte");
        let title = format!("{} under {}", recording.script, recording.scheme);
        let about = format!(
            "{}, {messages}, {bytes}; numbers on arrows are bytes",
            counted(recording.rounds, "round")
        );
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<desc>{about}</desc>
{STYLE}
<rect class="page" x="0" y="0" width="{width}" height="{height}"/>
<text class="title" x="12" y="26">{title}</text>
<text class="about" x="12" y="46">{about}</text>
"#,
            title = escaped(&title),
            about = escaped(&about),
        );
        out.push_str(&self.body);
        for (at, party) in recording.parties.iter().enumerate() {
            let x = self.lifeline(at);
            let sent = totals.get(at).map_or(0, |t| t.bytes);
            let (top, party) = (size::TOP - 8, escaped(&fitted(party, self.column)));
            let (y1, y2) = (size::TOP - 30, size::TOP - 15);
            let _ = writeln!(
                out,
                r#"<text class="party" x="{x}" y="{y1}">{party}</text><text class="sent" x="{x}" y="{y2}">sent {}</text><line class="life" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>"#,
                grouped(sent)
            );
        }
        let note = if left > 0 {
            let left = counted(left as u64, "more exchange");
            format!("{left} not drawn: choose rounds with --round A..B")
        } else {
            String::new()
        };
        let y = bottom + 26;
        let _ = writeln!(
            out,
            r#"<text class="note" x="12" y="{y}">{}</text>"#,
            escaped(&note)
        );
        out.push_str("</svg>\n");
        out
    }
}

/// What a message is for: short enough to be drawn, and all of it.
fn beside(recording: &Recording, items: &[Item]) -> (String, String) {
    let shares = shares(recording, items);
    let mut full = vec![];
    for share in &shares {
        let place = share.line.as_ref();
        let place = place.map_or_else(String::new, |line| {
            format!("{}:{}: {}\n", line.file, line.number, line.text)
        });
        full.push(format!("{place}{}", share.what.join("\n")));
    }
    let Some(first) = shares.first() else {
        return (String::new(), String::new());
    };
    let mut short = match &first.line {
        // The script's own lines are numbered; those of other files have their name.
        Some(line) if line.file == recording.script => {
            format!("{}  {}", line.number, line.text)
        }
        Some(line) => {
            let file = line.file.rsplit([':', '/']).next().unwrap_or(&line.file);
            format!("{file}:{}  {}", line.number, line.text)
        }
        None => items
            .first()
            .map_or_else(String::new, |item| name(&recording.part(item))),
    };
    let more = shares.len() - 1;
    let room = size::RIGHT / size::LETTER - if more > 0 { 16 } else { 0 };
    if short.chars().count() > room {
        short = short.chars().take(room - 1).collect::<String>() + "…";
    }
    if more > 0 {
        let _ = write!(short, "  +{}", counted(more as u64, "line"));
    }
    (short, full.join("\n"))
}

fn fitted(name: &str, width: usize) -> String {
    let most = width / size::LETTER;
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars()
        .take(most.saturating_sub(1))
        .collect::<String>()
        + "…"
}

/// Text of XML. Control characters have no place in it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = r##"<style>
text { font-family: system-ui, sans-serif; font-size: 13px; fill: #1d2430; }
.page { fill: #ffffff; }
.title { font-size: 17px; font-weight: 600; }
.about, .sent, .note { fill: #5a6475; font-size: 12px; }
.party { font-weight: 600; text-anchor: middle; }
.sent { text-anchor: middle; font-size: 11px; }
.life { stroke: #8a94a6; stroke-width: 1; stroke-dasharray: 3 3; }
.setup { fill: #f0f0f2; }
.offline { fill: #fdf3dc; }
.even { fill: #ffffff; }
.odd { fill: #eef4fb; }
.round { font-weight: 600; }
.heading { font-weight: 600; fill: #8a4b08; }
.arrow { stroke: #1f5fa8; stroke-width: 1.4; marker-end: url(#head); }
.sender { fill: #1f5fa8; }
.bytes { text-anchor: middle; font-size: 11px; fill: #1f5fa8; }
.what { font-family: ui-monospace, monospace; font-size: 11.5px; white-space: pre; }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#1f5fa8"/></marker></defs>"##;
