//! Comments of our own on a pull request.

use std::io::Write as _;

use fuseboard_pipeline::process::How;
use serde::Deserialize;
use serde_json::{Deserializer, json};
use tempfile::NamedTempFile;

use super::{GitHub, GitHubError, PullRequest};

/// All comments of a pull request. Whose they are is known to GitHub alone.
const QUERY: &str = "query($owner:String!,$name:String!,$number:Int!,$endCursor:String){\
    repository(owner:$owner,name:$name){pullRequest(number:$number){comments(first:100,after:$endCursor){\
    nodes{databaseId body url viewerDidAuthor} pageInfo{hasNextPage endCursor}}}}}";

/// A comment on a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Its address.
    pub url: String,
    /// Its text.
    pub body: String,
}

/// A node of what is answered to [`QUERY`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    database_id: u64,
    url: String,
    body: String,
    viewer_did_author: bool,
}

/// What is answered when a comment was written.
#[derive(Deserialize)]
struct Written {
    id: u64,
    html_url: String,
    body: Option<String>,
}

impl GitHub<'_> {
    /// The oldest comment that was written by who is logged in and begins with this mark. The mark must be plain: letters,
    /// digits, blanks and `<!->._/`.
    ///
    /// # Errors
    /// [`GitHubError`]
    pub fn comment_marked(&self, request: &PullRequest, mark: &str) -> Result<Option<Comment>, GitHubError> {
        let Place { host, owner, name, number } = Place::of(request)?;
        let (owner, name, number) = (format!("owner={owner}"), format!("name={name}"), format!("number={number}"));
        let (query, ours) = (
            format!("query={QUERY}"),
            format!(
                ".data.repository.pullRequest.comments.nodes[] \
                 | select(.viewerDidAuthor and (.body | startswith(\"{mark}\")))"
            ),
        );
        let mut words =
            vec!["api", "graphql", "--hostname", host, "--paginate", "-f", &query, "-f", &owner, "-f", &name];
        words.extend(["-F", &number, "--jq", &ours]);
        let ended = self.run(&words)?;
        if ended.how != How::Exited(0) {
            return Err(self.failed("gh api graphql", &ended));
        }
        let nodes: Result<Vec<Node>, _> = Deserializer::from_slice(&ended.stdout.bytes()).into_iter().collect();
        let nodes = nodes.map_err(|_| {
            GitHubError::Failed("gh api graphql printed no comments that are understood; is gh too old?".to_owned())
        })?;
        let ours = nodes.into_iter().find(|node| node.viewer_did_author && node.body.starts_with(mark));
        Ok(ours.map(|node| Comment { id: node.database_id, url: node.url, body: node.body }))
    }

    /// Writes a comment, in place of this one if there is one.
    ///
    /// # Errors
    /// [`GitHubError`]. If it was cut it may or may not have arrived.
    pub fn write_comment(
        &self,
        request: &PullRequest,
        instead_of: Option<&Comment>,
        body: &str,
    ) -> Result<Comment, GitHubError> {
        let Place { host, owner, name, number } = Place::of(request)?;
        let (method, end) = match instead_of {
            Some(comment) => ("PATCH", format!("comments/{}", comment.id)),
            None => ("POST", format!("{number}/comments")),
        };
        let no_place = |error| GitHubError::Failed(format!("there is no place for the comment: {error}"));
        let mut file = NamedTempFile::new().map_err(no_place)?;
        file.write_all(json!({ "body": body }).to_string().as_bytes()).map_err(no_place)?;
        let path = file.path().to_string_lossy();
        let endpoint = format!("repos/{owner}/{name}/issues/{end}");
        let ended = self.run(&["api", &endpoint, "--hostname", host, "--method", method, "--input", &path])?;
        if ended.how != How::Exited(0) {
            return Err(self.failed("gh api", &ended));
        }
        let written: Written = serde_json::from_slice(&ended.stdout.bytes()).map_err(|_| {
            GitHubError::Failed("gh api answered what is no comment; look at the pull request".to_owned())
        })?;
        Ok(Comment { id: written.id, url: written.html_url, body: written.body.unwrap_or_default() })
    }
}

/// Where a pull request stands.
struct Place<'a> {
    host: &'a str,
    owner: &'a str,
    name: &'a str,
    number: &'a str,
}

impl<'a> Place<'a> {
    fn of(request: &'a PullRequest) -> Result<Self, GitHubError> {
        let mut parts = request.repository.split('/').chain(request.url.rsplit('/').take(1));
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(host), Some(owner), Some(name), Some(number)) => Ok(Self { host, owner, name, number }),
            _ => Err(GitHubError::Failed(format!("{} is no pull request's address", request.url))),
        }
    }
}
