//! The file format (`RouterCheckToolSchema.Validation`).

use manifest::Spanned;
use serde::Deserialize;
use serde_json::Value;

/// A file.
#[derive(Debug, Deserialize)]
pub(crate) struct File {
    pub(crate) tests: Spanned<Vec<Spanned<Test>>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Test {
    #[serde(alias = "testName")]
    pub(crate) test_name: String,
    pub(crate) input: Input,
    pub(crate) validate: Validate,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Input {
    pub(crate) authority: String,
    pub(crate) path: String,
    #[serde(default = "get")]
    pub(crate) method: String,
    #[serde(default, alias = "randomValue")]
    pub(crate) random_value: Option<Value>,
    #[serde(default)]
    pub(crate) ssl: bool,
    #[serde(default)]
    pub(crate) internal: bool,
    #[serde(default)]
    pub(crate) runtime: String,
    #[serde(default, alias = "additionalRequestHeaders")]
    pub(crate) additional_request_headers: Vec<HeaderValue>,
    #[serde(default, alias = "additionalResponseHeaders")]
    pub(crate) additional_response_headers: Vec<HeaderValue>,
    #[serde(default, alias = "dynamicMetadata")]
    pub(crate) dynamic_metadata: Option<Value>,
}

/// The method of older files that name none.
fn get() -> String {
    "GET".to_owned()
}

#[derive(Debug, Deserialize)]
pub(crate) struct Validate {
    #[serde(alias = "clusterName")]
    pub(crate) cluster_name: Option<String>,
    #[serde(alias = "virtualClusterName")]
    pub(crate) virtual_cluster_name: Option<String>,
    #[serde(alias = "virtualHostName")]
    pub(crate) virtual_host_name: Option<String>,
    #[serde(alias = "hostRewrite")]
    pub(crate) host_rewrite: Option<String>,
    #[serde(alias = "pathRewrite")]
    pub(crate) path_rewrite: Option<String>,
    #[serde(alias = "pathRedirect")]
    pub(crate) path_redirect: Option<String>,
    #[serde(alias = "codeRedirect")]
    pub(crate) code_redirect: Option<u32>,
    #[serde(
        default,
        alias = "requestHeaderFields",
        alias = "header_fields",
        alias = "custom_header_fields"
    )]
    pub(crate) request_header_fields: Vec<HeaderValue>,
    #[serde(default, alias = "responseHeaderFields")]
    pub(crate) response_header_fields: Vec<HeaderValue>,
    #[serde(default, alias = "requestHeaderMatches")]
    pub(crate) request_header_matches: Vec<Value>,
    #[serde(default, alias = "responseHeaderMatches")]
    pub(crate) response_header_matches: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HeaderValue {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}
