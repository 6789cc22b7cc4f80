//! AnalysisTemplates and what stands for their arguments.
//!
//! Source: argoproj/argo-rollouts, utils/analysis (factory.go, helpers.go), utils/template/template.go.

use crate::compile::progressive_delivery::argo::query::{self, AddSeries, FORMS, QueryError};
use crate::compile::progressive_delivery::metrics::{Group, UNKNOWN, group};
use crate::compile::report::{Report, code};
use crate::object_name::nearest;
use crate::place::Place;
use base::{Location, SimDuration};
use manifest::Resources;
use manifest::analysis_template::{AnalysisMetric, AnalysisTemplateSpec};
use manifest::int_or_string::IntOrString;
use manifest::rollout::{
    AnalysisArgument, AnalysisTemplateReference, DryRun, Rollout, RolloutAnalysis,
};
use manifest::span::Spanned;
use promql_parser::label::Matcher;
use proxy::re2::Pattern;
use sim::plan::progressive_delivery::analysis::{Analysis, Metric};
use sim::plan::progressive_delivery::condition::Condition;
use sim::plan::progressive_delivery::query::{Answer, Query};
use std::collections::{BTreeMap, BTreeSet};

/// What analyses are made of.
pub(super) struct Analyses<'a> {
    pub(super) rollout: &'a Rollout,
    pub(super) resources: &'a Resources,
    /// The labels that queries may name; empty: any.
    pub(super) labels: &'a BTreeSet<String>,
    pub(super) series: AddSeries<'a>,
    pub(super) report: &'a mut Report,
}

/// What was met among the templates of an analysis.
#[derive(Default)]
struct Seen {
    /// Templates, and whether they are of the whole cluster.
    templates: BTreeSet<(bool, String)>,
    /// Names of metrics, those that are not measured too.
    metrics: Vec<String>,
    /// Rules of dry runs: each is about the metrics of all templates.
    dry_run: Vec<Spanned<DryRun>>,
}

/// What stands for arguments: none where it is not known here.
type Arguments = BTreeMap<String, Option<String>>;

impl Analyses<'_> {
    /// What an analysis measures, of pods whose templates have these hashes; whether it must come to an end.
    pub(super) fn read(
        &mut self,
        written: &Spanned<RolloutAnalysis>,
        hashes: [&str; 2],
        has_end: bool,
    ) -> Analysis {
        let given: Arguments = written
            .args
            .iter()
            .map(|one| (one.name.clone(), self.argument(one, hashes)))
            .collect();
        let mut metrics = Vec::new();
        let mut seen = Seen {
            dry_run: written.dry_run.clone(),
            ..Seen::default()
        };
        for reference in &written.templates {
            self.template(reference, &given, hashes, &mut seen, &mut metrics);
        }
        self.check_dry_run(&seen);
        for (metric, _) in &mut metrics {
            let mut rules = seen.dry_run.iter();
            metric.is_dry_run = rules.any(|one| is_meant(one, &metric.name));
        }
        if has_end {
            let mut endless = metrics.iter().filter(|(metric, _)| metric.count.is_none());
            if let Some((metric, at)) = endless.next() {
                let message = format!(
                    "metric `{}` is measured for ever, and nothing goes on until it ends",
                    metric.name
                );
                let help = "write `count`".to_owned();
                self.report.invalid(&Place::at(at), message, Some(help));
            }
        }
        let names = written.templates.iter();
        let names: Vec<&str> = names.map(|one| one.template_name.as_str()).collect();
        Analysis {
            name: names.join(", "),
            metrics: metrics.into_iter().map(|(metric, _)| metric).collect(),
        }
    }

    /// Adds what a template measures.
    fn template(
        &mut self,
        reference: &Spanned<AnalysisTemplateReference>,
        given: &Arguments,
        hashes: [&str; 2],
        seen: &mut Seen,
        metrics: &mut Vec<(Metric, Location)>,
    ) {
        if !seen
            .templates
            .insert((reference.cluster_scope, reference.template_name.clone()))
        {
            return;
        }
        let Some(template) = self.find(reference) else {
            return;
        };
        let mut arguments = Arguments::new();
        for one in &template.args {
            let own = self.argument(one, hashes);
            let is_written = one.value.value.is_some() || one.value_from.is_some();
            let value = given.get(&one.name).cloned();
            if value.is_none() && !is_written {
                let message = format!(
                    "argument `{}` of {} has no value",
                    one.name, reference.template_name
                );
                self.report
                    .invalid(&Place::at(&reference.at), message, None);
            }
            arguments.insert(one.name.clone(), value.unwrap_or(own));
        }
        seen.dry_run.extend(template.dry_run.iter().cloned());
        for written in &template.metrics {
            seen.metrics.push(written.name.clone());
            if let Some(metric) = self.metric(written, &arguments) {
                metrics.push((metric, written.at.clone()));
            }
        }
        for nested in &template.templates {
            self.template(nested, given, hashes, seen, metrics);
        }
    }

    /// Says which rules of a dry run mean no metric at all: Argo ends such an analysis with an error.
    fn check_dry_run(&mut self, seen: &Seen) {
        for rule in &seen.dry_run {
            if seen.metrics.iter().any(|metric| is_meant(rule, metric)) {
                continue;
            }
            let name = &rule.metric_name;
            let message = format!("`dryRun` rule `{name}` does not match any metric name");
            let known = seen.metrics.iter().map(String::as_str);
            let help = match nearest(name, known) {
                Some(one) => format!("did you mean `{one}`?"),
                None => "Argo ends such an analysis with an error".to_owned(),
            };
            self.report
                .invalid(&Place::at(&rule.at), message, Some(help));
        }
    }

    fn find(
        &mut self,
        reference: &Spanned<AnalysisTemplateReference>,
    ) -> Option<AnalysisTemplateSpec> {
        let name = &reference.template_name;
        let (kind, all): (_, Vec<(&str, &AnalysisTemplateSpec)>) = if reference.cluster_scope {
            let all = self.resources.cluster_analysis_templates.iter();
            let all = all.map(|one| (one.meta.name.as_str(), &one.spec.0));
            ("ClusterAnalysisTemplate", all.collect())
        } else {
            let here = &self.rollout.meta.namespace;
            let all = self.resources.analysis_templates.iter();
            let all = all.filter(|one| one.meta.namespace == *here);
            let all = all.map(|one| (one.meta.name.as_str(), &one.spec));
            ("AnalysisTemplate", all.collect())
        };
        if let Some((_, spec)) = all.iter().find(|(one, _)| one == name) {
            return Some((*spec).clone());
        }
        let known = all.iter().map(|(name, _)| *name);
        self.report
            .unknown(&Place::at(&reference.at), kind, name, known);
        None
    }

    fn argument(
        &mut self,
        written: &Spanned<AnalysisArgument>,
        [stable, latest]: [&str; 2],
    ) -> Option<String> {
        if let Some(value) = &written.value.value {
            return Some(value.clone());
        }
        let source = written.value_from.as_ref()?;
        if let Some(which) = &source.pod_template_hash_value {
            let hash = if which == "Stable" { stable } else { latest };
            return Some(hash.to_owned());
        }
        if let Some(field) = &source.field_ref {
            let meta = &self.rollout.meta;
            let path = field.field_path.as_str();
            let of = |prefix: &str, map: &BTreeMap<String, String>| {
                let key = path.strip_prefix(prefix)?.strip_suffix("']")?;
                map.get(key).cloned()
            };
            let found = match path {
                "metadata.name" => Some(meta.name.clone()),
                "metadata.namespace" => Some(meta.namespace.clone()),
                _ => of("metadata.labels['", &meta.labels)
                    .or_else(|| of("metadata.annotations['", &meta.annotations)),
            };
            if found.is_some() {
                return found;
            }
        }
        let message = format!("the value of argument `{}` is not known here", written.name);
        let help = "known are values, hashes of templates, and names, labels and annotations of the Rollout";
        let help = Some(help.to_owned());
        (self.report).warn(code::NOT_SIMULATED, &Place::at(&written.at), message, help);
        None
    }

    fn metric(
        &mut self,
        written: &Spanned<AnalysisMetric>,
        arguments: &Arguments,
    ) -> Option<Metric> {
        let query = self.query(written, arguments)?;
        let success = self.condition(written.success_condition.as_ref(), arguments, &query);
        let failure = self.condition(written.failure_condition.as_ref(), arguments, &query);
        let interval = self.duration(written.interval.as_ref(), arguments);
        let count = match self.whole(written.count.as_ref(), arguments) {
            None | Some(0) => interval.is_none().then_some(1),
            Some(count) => u32::try_from(count).ok(),
        };
        if count.is_some_and(|count| count > 1) && interval.is_none() {
            let message = format!("metric `{}` has a `count` and no `interval`", written.name);
            self.report.invalid(&Place::at(&written.at), message, None);
        }
        let mut limit = |written: Option<&Spanned<IntOrString>>| {
            let limit = self.whole(written, arguments).unwrap_or(0);
            u32::try_from(limit).ok()
        };
        let failure_limit = limit(written.failure_limit.as_ref());
        let inconclusive_limit = limit(written.inconclusive_limit.as_ref());
        let errors = self.whole(written.consecutive_error_limit.as_ref(), arguments);
        if let Some(limit) = &written.consecutive_success_limit {
            let message = "`consecutiveSuccessLimit` is not simulated".to_owned();
            (self.report).warn(code::NOT_SIMULATED, &Place::at(&limit.at), message, None);
        }
        let initial_delay = self.duration(written.initial_delay.as_ref(), arguments);
        Some(Metric {
            name: written.name.clone(),
            query,
            success,
            failure,
            initial_delay: initial_delay.unwrap_or(SimDuration::ZERO),
            interval,
            count,
            failure_limit,
            inconclusive_limit,
            consecutive_error_limit: errors
                .and_then(|limit| u32::try_from(limit).ok())
                .unwrap_or(4),
            is_dry_run: false,
        })
    }

    fn query(&mut self, written: &Spanned<AnalysisMetric>, arguments: &Arguments) -> Option<Query> {
        let name = &written.name;
        let not_measured = |report: &mut Report, at: &Location, why: String| {
            let message = format!("metric `{name}` is not measured, and taken to be good: {why}");
            let help = Some(FORMS.to_owned());
            report.warn(code::NOT_SIMULATED, &Place::at(at), message, help);
            None
        };
        let Some(prometheus) = &written.provider.prometheus else {
            let why = "its provider is not Prometheus".to_owned();
            return not_measured(self.report, &written.provider.at, why);
        };
        if let Some(range) = &prometheus.range_query {
            let why = "it asks for values over a time".to_owned();
            return not_measured(self.report, &range.at, why);
        }
        let Some(text) = &prometheus.query else {
            let message = format!("metric `{name}` has no query");
            self.report
                .invalid(&Place::at(&written.provider.at), message, None);
            return None;
        };
        let resolved = self.resolve(text, arguments)?;
        let mut asked: Vec<Matcher> = Vec::new();
        let series = &mut *self.series;
        let read = query::read(&resolved, &mut |matchers, window| {
            asked.extend(matchers.iter().cloned());
            series(matchers, window)
        });
        if let Some(matcher) = asked
            .iter()
            .find(|one| UNKNOWN.contains(&one.name.as_str()))
        {
            let why = format!("label `{}` is not answered", matcher.name);
            return not_measured(self.report, &text.at, why);
        }
        let is_known = |matcher: &Matcher| {
            self.labels.is_empty()
                || group(&matcher.name) != Group::Own
                || self.labels.contains(&matcher.name)
        };
        if let Some(matcher) = asked.iter().find(|one| !is_known(one)) {
            let message = format!(
                "metric `{name}` asks for label `{}`, which nothing here has",
                matcher.name
            );
            let known = self.labels.iter().map(String::as_str);
            let help = nearest(&matcher.name, known).map(|one| format!("did you mean `{one}`?"));
            self.report.invalid(&Place::at(&text.at), message, help);
        }
        match read {
            Ok(query) => Some(query),
            Err(QueryError::Unsupported(what)) => {
                not_measured(self.report, &text.at, format!("{what} is not answered"))
            }
            Err(QueryError::Invalid(why)) => {
                let message = format!("the query of metric `{name}` cannot be read: {why}");
                let help = Some(FORMS.to_owned());
                self.report.invalid(&Place::at(&text.at), message, help);
                None
            }
        }
    }

    fn condition(
        &mut self,
        written: Option<&Spanned<String>>,
        arguments: &Arguments,
        query: &Query,
    ) -> Option<Condition> {
        let written = written.filter(|written| !written.is_empty())?;
        let text = self.resolve(written, arguments)?;
        let condition = match Condition::read(&text) {
            Ok(condition) => condition,
            Err(why) => {
                let message = format!("condition `{text}` cannot be read: {why}");
                self.report.invalid(&Place::at(&written.at), message, None);
                return None;
            }
        };
        let (sample, help) = match query.is_scalar() {
            true => (Answer::Scalar(1.0), "`result` is a number"),
            false => (
                Answer::Vector(Some(1.0)),
                "`result` is a list of one number: write `result[0]`",
            ),
        };
        if let Err(why) = condition.holds(sample) {
            let message = format!("condition `{text}` cannot be told: {why}");
            (self.report).invalid(&Place::at(&written.at), message, Some(help.to_owned()));
        }
        Some(condition)
    }

    fn duration(
        &mut self,
        written: Option<&Spanned<String>>,
        arguments: &Arguments,
    ) -> Option<SimDuration> {
        let written = written.filter(|written| !written.is_empty())?;
        let text = self.resolve(written, arguments)?;
        match text.parse() {
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("`{text}` is not a duration: {error}");
                self.report.invalid(&Place::at(&written.at), message, None);
                None
            }
        }
    }

    fn whole(
        &mut self,
        written: Option<&Spanned<IntOrString>>,
        arguments: &Arguments,
    ) -> Option<i64> {
        let written = written?;
        let text = Spanned::new(written.value.to_string(), written.at.clone());
        let text = self.resolve(&text, arguments)?;
        match text.parse() {
            Ok(number) => Some(number),
            Err(_) => {
                let message = format!("`{text}` is not a whole number");
                self.report.invalid(&Place::at(&written.at), message, None);
                None
            }
        }
    }

    /// A text with its arguments; none: one of them is not known.
    fn resolve(&mut self, written: &Spanned<String>, arguments: &Arguments) -> Option<String> {
        let mut resolved = String::new();
        let mut rest = written.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inner, after)) = after.split_once("}}") else {
                break;
            };
            resolved.push_str(before);
            let name = inner.trim().strip_prefix("args.").unwrap_or(inner.trim());
            match arguments.get(name) {
                Some(Some(value)) => resolved.push_str(value),
                Some(None) => return None,
                None => {
                    let known = arguments.keys().map(String::as_str);
                    (self.report).unknown(&Place::at(&written.at), "argument", name, known);
                    return None;
                }
            }
            rest = after;
        }
        resolved.push_str(rest);
        Some(resolved)
    }
}

/// Whether a metric is among those of a dry run: a regular expression that need not be the whole name.
fn is_meant(dry_run: &DryRun, metric: &str) -> bool {
    let pattern = Pattern::new(&format!("(?s:.*)(?:{})(?s:.*)", dry_run.metric_name));
    // Argo takes an expression that cannot be read as one that means nobody.
    pattern.is_ok_and(|pattern| pattern.is_full_match(metric))
}
