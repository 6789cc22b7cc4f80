// Requests to the server, with the token of the URL; it stays with the tab and leaves the address.

const key = "meshsim-token";
const given = location.hash.slice(1);
if (/^[0-9a-f]{32}$/.test(given)) {
  sessionStorage.setItem(key, given);
  history.replaceState(null, "", location.pathname);
}
const token = sessionStorage.getItem(key) ?? "";

/** What the server answers; what it refuses is thrown. */
export async function ask(path, body = {}) {
  let response;
  try {
    response = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-meshsim-token": token },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("`meshsim learn serve` does not answer; is it still running?");
  }
  const answer = await response.json();
  if (!response.ok) {
    const error = new Error(answer.help ? `${answer.error}: ${answer.help}` : answer.error);
    throw Object.assign(error, { status: response.status, answer });
  }
  return answer;
}
