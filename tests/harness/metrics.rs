//! Reading `/metrics`: the OpenMetrics text, as far as it is written here.

/// Samples in the order of the page.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Vec<Sample>);

/// A line: `name{label="value",...} number`.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Metrics {
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "the page is whole");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.map(|line| Sample::parse(line).unwrap_or_else(|| panic!("no sample: {line}"))).collect())
    }

    /// The samples of this name that have all of these labels.
    pub(crate) fn of<'m>(&'m self, name: &'m str, labels: &'m [(&str, &str)]) -> impl Iterator<Item = &'m Sample> {
        let has = |sample: &Sample, (label, value): &(&str, &str)| {
            sample.labels.iter().any(|(own, own_value)| own == label && own_value == value)
        };
        self.0.iter().filter(move |sample| sample.name == name && labels.iter().all(|wanted| has(sample, wanted)))
    }

    /// The sum of the samples of this name that have all of these labels; 0 if there are none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.of(name, labels).map(|sample| sample.value).sum()
    }
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        let (head, value) = line.rsplit_once(' ')?;
        let (name, labels) = match head.split_once('{') {
            None => (head, ""),
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
        };
        let label = |text: &str| -> Option<(String, String)> {
            let (name, value) = text.split_once("=\"")?;
            Some((name.to_owned(), value.strip_suffix('"')?.to_owned()))
        };
        // No label of ours has a comma or a quotation mark in its value.
        let labels = labels.split(',').filter(|text| !text.is_empty()).map(label).collect::<Option<_>>()?;
        Some(Self { name: name.to_owned(), labels, value: value.parse().ok()? })
    }
}
