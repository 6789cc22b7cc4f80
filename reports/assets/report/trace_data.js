// Sampled requests: the short form that the page carries, and the long form that is shown. The order of fields is that
// of `html/traces.rs`.

const traces = data.traces.list.map((short, index) => longTrace(short, index));

function longTrace([traffic, at, duration, code, grpc, flags, requests], index) {
  const name = (place) => data.traces.names[place];
  const long = requests.map(([parent, fields, tries]) => longRequest(name, parent, fields, tries));
  const trace = {
    index,
    traffic: name(traffic),
    at: at / 1000,
    duration,
    code,
    grpc,
    flags: name(flags),
    requests: long.map((request) => ({ ...request, depth: 0 })),
  };
  for (const request of trace.requests) {
    request.depth = request.parent === null ? 0 : trace.requests[request.parent].depth + 1;
  }
  trace.failed = !isSuccess(code, grpc);
  trace.tries = trace.requests.reduce((sum, request) => sum + request.tries.filter((one) => !one.mirror).length, 0);
  trace.retried = trace.requests.some((request) => request.tries.some((one) => !one.mirror && one.number > 1))
    || trace.requests.filter((request) => request.parent === null).length > 1;
  return trace;
}

function longRequest(name, parent, [who, what, times, [code, grpc]], tries) {
  const [caller, source, service, subset, workload, pod] = who.map(name);
  const [start, duration, uploaded, firstByte] = times;
  const [method, authority, path, flags, details, cluster, route] = what.map(name);
  return {
    parent,
    caller, source, service, subset, workload, pod,
    method, authority, path, flags, details, cluster, route,
    start, duration, uploaded, firstByte,
    code, grpc,
    failed: !isSuccess(code, grpc),
    tries: tries.map(([number, mirror, start, duration, connected, firstByte, backOff, pod, host, outcome]) => ({
      number, mirror: mirror === 1, start, duration, connected, firstByte, backOff,
      pod: name(pod),
      host: name(host),
      // A status, or words where there was no whole response.
      outcome,
    })),
  };
}

function isSuccess(code, grpc) {
  return code >= 200 && code < 400 && (grpc === null || grpc === 0);
}
