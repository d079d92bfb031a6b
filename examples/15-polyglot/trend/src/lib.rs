//! The guest of 15-polyglot in Rust: it fits a line to each series.

use graflow::{export, record, Context, Error, Result};
use std::collections::BTreeMap;

export! {
    /// fits a line to each series by least squares: degrees a day
    "trend" => trend,
}

record! {
    /// The temperatures of one station.
    pub struct Series {
        station: String,
        /// a day each
        values: Vec<f64>,
    }
}

fn trend(ctx: &Context, all: Vec<Series>) -> Result<BTreeMap<String, f64>> {
    let mut slopes = BTreeMap::new();
    for series in all {
        let slope = slope(&series.values)
            .ok_or_else(|| Error::new("too_short", &format!("{} has no two days", series.station)))?;
        ctx.debug(&format!("{}: {slope}", series.station));
        slopes.insert(series.station, (slope * 1000.0).round() / 1000.0);
    }
    Ok(slopes)
}

fn slope(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let (x, y) = ((n - 1.0) / 2.0, values.iter().sum::<f64>() / n);
    let mut products = 0.0;
    let mut squares = 0.0;
    for (i, v) in values.iter().enumerate() {
        products += (i as f64 - x) * (v - y);
        squares += (i as f64 - x).powi(2);
    }
    (squares > 0.0).then(|| products / squares)
}
