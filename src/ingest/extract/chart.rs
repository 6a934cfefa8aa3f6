//! Charts and diagrams of Office, which are separate parts of a package: a chart becomes a table whose rows
//! carry the names of its series, a diagram (`SmartArt`) a list.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ExtractError;
use super::diagram;
use super::package::ZipPackage;
use super::relations::Relation;
use super::sheet;
use super::table::{Grid, GridCell};
use super::xml::{self, Element, XmlHandler, attribute};
use crate::ingest::document::single_spaced;

/// The drawings of a text, by the id of their relation.
#[derive(Default)]
pub(super) struct Drawings(HashMap<String, String>);

impl Drawings {
    /// Adds the part of a relation if it is a drawing with text. A partly readable drawing is added as far as
    /// it can be read.
    pub(super) fn add(
        &mut self,
        package: &mut ZipPackage<'_>,
        relation: &Relation,
    ) -> Result<(), ExtractError> {
        let read = match relation.kind.as_str() {
            "chart" | "chartEx" => read,
            "diagramData" => diagram::read,
            _ => return Ok(()),
        };
        let text = read(&package.part(&relation.target)?.unwrap_or_default());
        if !text.is_empty() {
            self.0.insert(relation.id.clone(), text);
        }
        Ok(())
    }

    pub(super) fn get(&self, id: &str) -> Option<&String> {
        self.0.get(id)
    }

    /// Drawings that are not named, in the order of their ids.
    pub(super) fn except(&self, named: &HashSet<&str>) -> Vec<String> {
        let mut others: Vec<_> =
            self.0.iter().filter(|(id, _)| !named.contains(id.as_str())).collect();
        others.sort();
        others.into_iter().map(|(_, text)| text.clone()).collect()
    }

    pub(super) fn into_texts(self) -> HashMap<String, String> {
        self.0
    }
}

/// Points by index; some have no value.
type Points = BTreeMap<u32, String>;

#[derive(Default)]
struct Series {
    name: String,
    /// The names of its points, the innermost level first.
    categories: Vec<Points>,
    values: Points,
}

#[derive(Default)]
struct Chart {
    title: String,
    /// The title of the axis with the categories.
    axis: String,
    series: Vec<Series>,
}

/// The title of a chart and its table; empty if it has no text.
fn read(part: &str) -> String {
    let mut reading = Reading::default();
    let _ = xml::read(part, &mut reading);
    reading.chart.written()
}

impl Chart {
    /// Series with the same categories are columns of one table.
    fn written(self) -> String {
        let title = single_spaced(&self.title);
        let mut blocks: Vec<String> = Some(title).into_iter().filter(|it| !it.is_empty()).collect();
        let mut tables: Vec<(Vec<Points>, Vec<Series>)> = Vec::new();
        for series in self.series {
            match tables.last_mut() {
                Some((categories, table))
                    if series.categories.is_empty() || series.categories == *categories =>
                {
                    table.push(series);
                }
                _ => tables.push((series.categories.clone(), vec![series])),
            }
        }
        for (categories, series) in tables {
            let text = table(&self.axis, &categories, &series);
            if !text.is_empty() {
                blocks.push(text);
            }
        }
        blocks.join("\n\n")
    }
}

fn table(axis: &str, categories: &[Points], series: &[Series]) -> String {
    let cell = |text: &str| GridCell { text: single_spaced(text), ..GridCell::default() };
    let names = series.iter().map(|series| cell(&series.name));
    let is_named = series.iter().any(|series| !series.name.trim().is_empty());
    let mut grid = Grid::default();
    let mut plain = Vec::new();
    grid.push(&std::iter::once(cell(axis)).chain(names).collect::<Vec<_>>(), true, 0, 0);
    let mut points: Vec<u32> =
        series.iter().flat_map(|series| series.values.keys()).copied().collect();
    points.extend(categories.first().into_iter().flat_map(|level| level.keys()));
    points.sort_unstable();
    points.dedup();
    for point in points {
        let mut row = vec![cell(&category(categories, point))];
        row.extend(series.iter().map(|s| cell(s.values.get(&point).map_or("", String::as_str))));
        if row.iter().skip(1).all(|cell| cell.text.is_empty()) {
            continue;
        }
        if is_named {
            grid.push(&row, false, 0, 0);
        } else {
            let cells = row.into_iter().map(|cell| cell.text).filter(|text| !text.is_empty());
            plain.push(cells.collect::<Vec<_>>().join(" | "));
        }
    }
    if is_named { grid.into_lines().text } else { plain.join("\n") }
}

/// The name of a point. The name of an outer level applies to all points until the next name.
fn category(levels: &[Points], point: u32) -> String {
    let (inner, outer) = match levels.split_first() {
        Some((inner, outer)) => (inner.get(&point), outer),
        None => (None, levels),
    };
    let outer = outer.iter().rev().filter_map(|level| level.range(..=point).next_back());
    let names = outer.map(|(_, name)| name).chain(inner);
    names.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// What the values being read belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Name,
    Categories,
    Values,
}

#[derive(Default)]
struct Reading {
    chart: Chart,
    /// Open elements.
    path: Vec<String>,
    of: Option<Of>,
    point: Option<u32>,
    format: String,
    text: String,
}

impl XmlHandler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            // Newer charts have their data before their series.
            "ser" | "data" => self.chart.series.push(Series::default()),
            "tx" if self.is_in("ser") || self.is_in("series") => self.of = Some(Of::Name),
            "cat" | "xVal" => self.of = Some(Of::Categories),
            "val" | "yVal" => self.of = Some(Of::Values),
            "strDim" => self.of = Some(Of::Categories),
            "numDim" => self.of = Some(Of::Values),
            "lvl" | "strCache" | "numCache" | "strLit" | "numLit" => {
                self.format = attribute(element, "formatCode").unwrap_or_default();
                if self.of == Some(Of::Categories)
                    && let Some(series) = self.chart.series.last_mut()
                    && series.categories.len() < MOST_LEVELS
                {
                    series.categories.push(Points::new());
                }
            }
            "pt" => self.point = attribute(element, "idx").and_then(|index| index.parse().ok()),
            _ => {}
        }
        if matches!(name, "v" | "formatCode" | "t" | "pt") {
            self.text.clear();
        }
        if self.path.len() < DEEPEST {
            self.path.push(name.to_owned());
        }
    }

    fn end(&mut self, name: &str) {
        if self.path.last().is_some_and(|last| last == name) {
            self.path.pop();
        }
        match name {
            "formatCode" => self.format = std::mem::take(&mut self.text),
            "v" => self.end_value(),
            // Newer charts have the value directly in this element.
            "pt" => {
                self.end_value();
                self.point = None;
            }
            "t" => self.end_text(),
            "tx" | "cat" | "xVal" | "val" | "yVal" | "strDim" | "numDim" => self.of = None,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

/// Most levels of categories.
const MOST_LEVELS: usize = 8;

/// Elements deeper than this have nothing to do with the chart.
const DEEPEST: usize = 64;

impl Reading {
    fn is_in(&self, name: &str) -> bool {
        self.path.iter().any(|open| open == name)
    }

    /// Ends a text of a title: of the chart, or of an axis.
    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !self.is_in("title") {
            return;
        }
        let title = if self.is_in("catAx") || self.is_in("dateAx") {
            &mut self.chart.axis
        } else if self.is_in("valAx") || self.is_in("serAx") || self.is_in("axis") {
            return;
        } else {
            &mut self.chart.title
        };
        title.push_str(&text);
    }

    fn end_value(&mut self) {
        let text = std::mem::take(&mut self.text);
        let Some(series) = self.chart.series.last_mut().filter(|_| !text.trim().is_empty()) else {
            return;
        };
        let shown = || match text.trim().parse() {
            Ok(number) if !self.format.is_empty() => sheet::shown_number(number, &self.format),
            _ => text.clone(),
        };
        match (self.of, self.point) {
            (Some(Of::Name), _) if series.name.is_empty() => series.name = text,
            (Some(Of::Categories), Some(point)) => {
                let value = shown();
                if let Some(level) = series.categories.last_mut() {
                    level.insert(point, value);
                }
            }
            (Some(Of::Values), Some(point)) => {
                let value = shown();
                series.values.insert(point, value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(u32, &str)]) -> String {
        let point =
            |(at, value): &(u32, &str)| format!("<c:pt idx=\"{at}\"><c:v>{value}</c:v></c:pt>");
        values.iter().map(point).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_chart_is_a_table() {
        let title = |text: &str| {
            format!(
                "<c:title><c:tx><c:rich><a:p><a:r><a:t>{text}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
            )
        };
        let cat = format!(
            "<c:cat><c:strRef><c:f>S!A2</c:f><c:strCache><c:ptCount val=\"2\"/>{}</c:strCache></c:strRef></c:cat>",
            points(&[(0, "Q1"), (1, "Q2")])
        );
        let series = |name: &str, format: &str, values: &[(u32, &str)]| {
            format!(
                "<c:ser><c:idx val=\"0\"/><c:tx><c:strRef><c:strCache><c:pt idx=\"0\"><c:v>{name}</c:v></c:pt></c:strCache></c:strRef></c:tx>{cat}\
                 <c:val><c:numRef><c:numCache><c:formatCode>{format}</c:formatCode>{}</c:numCache></c:numRef></c:val></c:ser>",
                points(values)
            )
        };
        let chart = format!(
            "<c:chartSpace><c:chart>{}<c:plotArea><c:barChart>{}{}</c:barChart><c:catAx>{}</c:catAx><c:valAx>{}</c:valAx></c:plotArea></c:chart></c:chartSpace>",
            title("Sales of ports"),
            series("Bergen", "General", &[(0, "12"), (1, "30.5")]),
            series("Share", "0%", &[(1, "0.25")]),
            title("Quarter"),
            title("tons")
        );
        let expected =
            "Sales of ports\n\nQuarter: Q1 | Bergen: 12\nQuarter: Q2 | Bergen: 30.5 | Share: 25%";
        assert_eq!(read(&chart), expected);
    }

    #[test]
    fn categories_have_levels_and_points_their_own() {
        let levels = format!(
            "<c:cat><c:multiLvlStrRef><c:multiLvlStrCache><c:lvl>{}</c:lvl><c:lvl>{}</c:lvl></c:multiLvlStrCache></c:multiLvlStrRef></c:cat>",
            points(&[(0, "Q1"), (1, "Q2"), (2, "Q1")]),
            points(&[(0, "2023"), (2, "2024")])
        );
        let values = |values: &[(u32, &str)]| format!("<c:numLit>{}</c:numLit>", points(values));
        let chart = format!(
            "<c:ser>{levels}<c:val>{}</c:val></c:ser>\
             <c:ser><c:tx><c:v>Depth</c:v></c:tx><c:xVal>{}</c:xVal><c:yVal>{}</c:yVal></c:ser>",
            values(&[(0, "1"), (1, "2"), (2, "3")]),
            values(&[(0, "0.5")]),
            values(&[(0, "7")])
        );
        assert_eq!(read(&chart), "2023 Q1 | 1\n2023 Q2 | 2\n2024 Q1 | 3\n\n0.5 | Depth: 7");
    }

    #[test]
    fn a_newer_chart() {
        let chart = "<cx:chartSpace><cx:chartData><cx:data id=\"0\"><cx:strDim type=\"cat\"><cx:f>A</cx:f>\
            <cx:lvl ptCount=\"1\"><cx:pt idx=\"0\">Start</cx:pt></cx:lvl></cx:strDim><cx:numDim type=\"val\"><cx:f>B</cx:f>\
            <cx:lvl formatCode=\"General\"><cx:pt idx=\"0\">4</cx:pt></cx:lvl></cx:numDim></cx:data></cx:chartData>\
            <cx:chart><cx:title><cx:tx><cx:rich><a:p><a:r><a:t>Waterfall</a:t></a:r></a:p></cx:rich></cx:tx></cx:title>\
            <cx:plotArea><cx:plotAreaRegion><cx:series><cx:tx><cx:txData><cx:f>B1</cx:f><cx:v>Flow</cx:v></cx:txData></cx:tx>\
            </cx:series></cx:plotAreaRegion></cx:plotArea></cx:chart></cx:chartSpace>";
        assert_eq!(read(chart), "Waterfall\n\nStart | Flow: 4");
        assert_eq!(read("<c:chartSpace><c:ser>"), "");
    }
}
