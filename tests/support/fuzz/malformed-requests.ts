// Malformed paths, queries, bodies and headers: they reach a parser before any schema validates them.

/** Raw texts for one path parameter, sent without encoding. */
export const pathTexts: readonly string[] = [
  ["", "%", "%zz", "%E0%A4%A", "%00", "1%00", "%2F", "1%2F2", "%2e", "%2e%2e", "..", ".", "%252e"],
  ["a%0d%0aX:1", "%ff", "%c0%af", "%ed%a0%80", "%F0%9F%8E%89", "%EF%BC%91", "%D9%A1", "+1", "1+"],
  ["%201", "1%20", "%2B1", "%31", "1;a=b", "1,2", "1:2", "1/", "1//", "//1", "/1", "1?page=1"],
  ["1?task_id=2&tag_id=2", "1?", "1#x", "1&x=1", "x".repeat(100), "1".repeat(101)],
  ["1".repeat(1025), "x".repeat(5000), "%41".repeat(500), "0x1", "1e0", "-0", "1.0", "[1]", "{1}"],
  ["(1)", '"1"', "'1'", "|", "^", "`", "<1>", "\\", "*", ":task_id", "{task_id}", "null", "NaN"],
  ["undefined", "__proto__", "constructor", "toString", "true", "2147483648", "9".repeat(400)],
].flat();

/** Whole query strings; the test replaces NAME with a parameter's name. */
export const queries: readonly string[] = [
  ["NAME", "NAME=", "NAME=&NAME=", "NAME=1&NAME=2", "NAME[]=1", "NAME[]=1&NAME[]=2", "NAME[0]=1"],
  ["NAME[a]=1", "NAME[$gt]=1", "NAME[__proto__][a]=1", "NAME[=1", "NAME]=1", "[NAME]=1"],
  ["NAME.a=1", "NAME%00=1", "NAME=%00", "NAME=%", "NAME=%zz", "NAME=%E0%A4%A", "NAME=%ff"],
  ["NAME=%ED%A0%80", "NAME=1%", "NAME=+1", "NAME=%2B1", "NAME=+", "NAME=%20", "NAME=1;NAME=2"],
  ["NAME=1#x", "NAME==1", "NAME=1e2", "NAME=0x10", "NAME=1.0", "NAME=-1", "NAME=-0", "NAME=00001"],
  ["NAME=%EF%BC%91", "NAME=null", "NAME=true", "NAME=NaN", "NAME=Infinity", "NAME={}", "NAME=[]"],
  [`NAME=${"9".repeat(400)}`, `NAME=${"x".repeat(5000)}`, `NAME=${"%F0%9F%8E%89".repeat(500)}`],
  ["=1", "&&&", "?NAME=1", "NAME%5B%5D=1", "%00", "%", "__proto__=1", "__proto__[NAME]=1"],
  ["&NAME", "constructor[prototype][NAME]=1", "toString=1", "hasOwnProperty=1", "user_id=x"],
  ["cursor=x", "a=1&".repeat(2000), "NAME=1&".repeat(1000), "NAME[]=1&".repeat(1000)],
].flat();

const validMembers = '"title":"t","name":"n","email":"raw@example.com","password":"correct horse"';
const validTaskMembers = `${validMembers},"completed":false,"priority":"low"`;

/** Texts in the position of a JSON value; most are not valid JSON. */
const literals = [
  ["1e400", "-1e400", "1E5", "0x10", "01", ".5", "+1", "NaN", "Infinity", "undefined", "'x'"],
  ["tru", '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\uD83D\\uDE00"', '"\\x41"', '"a'],
  ['"\t"', '"\x01"', "[1,]", '{"a":}', "true false", "nul", "null//", "/**/1", "1 2"],
  ["9".repeat(5000), "-", '""""'],
].flat();

/** Bodies that are not UTF-8: byte order marks, compressed bytes, an encoded lone surrogate. */
const bytes = [
  [0xff, 0xfe, 0x1f, 0x8b, 8, 0, 0x7b, 0, 0x7d, 0, 0x22, 0xc0, 0xaf, 0x22],
  [...Buffer.from(`{${validTaskMembers},"FIELD":"`), 0xed, 0xa0, 0x80, ...Buffer.from('"}')],
];

/** Whole bodies, sent with the request's own content type; the test replaces FIELD with a field's name. */
export const bodies: readonly (string | Uint8Array)[] = [
  ["", " ", "null", "true", "1", '"a"', "[]", "[{}]", "{}", "{", "}", "{]", "{}{}", "{},"],
  [
    "undefined",
    "{'a':1}",
    "{a:1}",
    '{"a":1,}',
    `{${validTaskMembers}}`,
    `\uFEFF{${validTaskMembers}}`,
    `{${validTaskMembers}}\0`,
  ],
  [
    ` {${validTaskMembers}} `,
    `{${validTaskMembers},${validTaskMembers}}`,
    `{${validTaskMembers},"FIELD":5}`,
    `{"FIELD":5,${validTaskMembers}}`,
  ],
  [
    `[{${validTaskMembers}}]`,
    "//",
    "\0",
    `{"json":{${validTaskMembers}}}`,
    `{"0":{${validTaskMembers}}}`,
    `{"input":{${validTaskMembers}}}`,
  ],
  [
    "a=1&b=2",
    "<a/>",
    "--x\r\n",
    `{"__proto__":{${validTaskMembers}}}`,
    `{${validTaskMembers},"__proto__":null}`,
  ],
  [
    `{${validTaskMembers},"constructor":{"prototype":1}}`,
    "[".repeat(20_000),
    '{"a":'.repeat(10_000),
  ],
  [`${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  [
    `{${validTaskMembers},"x":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
    `{"FIELD":${"[".repeat(5000)}`,
  ],
  [
    "x".repeat(70_000),
    `${" ".repeat(60_000)}{${validTaskMembers}}`,
    `{${'"a":1,'.repeat(9000)}${validTaskMembers}}`,
  ],
  literals.map((literal) => `{${validTaskMembers},"FIELD":${literal}}`),
  bytes.map((each) => new Uint8Array(each)),
].flat();

const jwt = (head: unknown, payload: unknown, signature = "c2ln"): string =>
  [head, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .concat(signature)
    .join(".");

const claims = { sub: "00000000-0000-4000-8000-000000000000", email: "a@b.co", type: "access" };

const algorithms = ["none", "None", "HS256", "HS512", "RS256", "", 5, null];
const payloads = [[], 5, "a", null];

/** Tokens that this server did not issue. */
const forgedTokens: readonly string[] = [
  ["", " ", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "a..c", "null", "undefined"],
  ["\u00E4", "%00", "{}", "e30.e30.", ".e30.e30", "e30.e30.e30", "W10.W10.W10"],
  ["bnVsbA.bnVsbA.bnVsbA", "a".repeat(8000), `${"a".repeat(3000)}.${"b".repeat(3000)}.c`],
  ["a.b.c, a.b.c", "a.b.c a.b.c"],
  algorithms.map((alg) => jwt({ alg }, claims)),
  [jwt({ alg: "none" }, claims, ""), jwt({ alg: "HS256", crit: ["x"] }, claims)],
  [jwt({ alg: "HS256", b64: false }, claims), jwt({ alg: "HS256", jwk: { k: "AA" } }, claims)],
  payloads.map((payload) => jwt({ alg: "HS256" }, payload)),
].flat();

/** Values of the Authorization header: malformed schemes, and forged tokens. */
export const authorizations: readonly string[] = [
  ["", " ", "Bearer", "Bearer ", "bearer", "Basic YTpi", "Digest a", "Token a.b.c", "a.b.c"],
  ["Bearer: a.b.c", "Bearer=a.b.c", "Bearer,a.b.c", "Bearer\ta.b.c", '"Bearer" a.b.c'],
  ["Bearer Bearer"],
  forgedTokens.map((token) => `Bearer ${token}`),
].flat();

/** Values of the Cookie header: malformed cookies, and forged refresh tokens. */
export const cookies: readonly string[] = [
  ["", "=", ";", ";;;", "refresh_token", "refresh_token=", "refresh_token==", "=refresh_token"],
  ["refresh_token=%", "refresh_token=%00", "refresh_token=%zz", 'refresh_token="a.b.c"', "a=b"],
  ["refresh_token=a; refresh_token=b", "REFRESH_TOKEN=a.b.c", "__proto__=a", "refresh_token[]=a"],
  ["__proto__=a; refresh_token=a.b.c", "a=b; ".repeat(1000), "constructor=a; toString=b"],
  forgedTokens.map((token) => `refresh_token=${token}`),
].flat();

export const contentTypes: readonly string[] = [
  ["", " ", "application", "application/", "/json", "json", "text/json", "text/plain", "*/*"],
  ["application/json;", "application/json; charset=utf-8", "application/json; charset=utf-16"],
  ["application/json; charset=nonsense", "application/json;;;", "application/json, text/plain"],
  ["APPLICATION/JSON", "application/JSON; a=b", "application/json+x", "application/x+json"],
  ["application/jsonx", "application/json x", "application/vnd.api+json", "application/xml"],
  ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16"],
  ["multipart/form-data", "multipart/form-data; boundary=x", "application/octet-stream"],
  ["__proto__", "constructor", "text/html", "application/json\t", '"application/json"'],
  [`a/${"b".repeat(5000)}`],
].flat();

const origins = [
  "null",
  "",
  "*",
  "https://evil.example",
  "http://localhost:3000",
  "file://",
  "a b",
];
const acceptValues = ["", "*/*", "text/html", "application/xml;q=1", "nonsense", "a".repeat(1000)];
const requestIds = ["a b", "\u00E4", "x".repeat(1000), "%00", "__proto__"];
const conditionalValues = ["", "a", "bytes=0-1", 'W/"x"', "*"];

/** Other headers that change how proxies, browsers and frameworks handle a request. */
export const otherHeaders: readonly Record<string, string>[] = [
  origins.map((origin) => ({ origin })),
  ["GET", "DELETE", "nonsense"].map((method) => ({ "x-http-method-override": method })),
  ["same-origin", "cross-site", "nonsense"].map((site) => ({ "sec-fetch-site": site })),
  ["gzip", "br", "nonsense"].map((coding) => ({ "content-encoding": coding })),
  acceptValues.map((accept) => ({ accept, "accept-language": accept })),
  requestIds.map((id) => ({ "x-request-id": id, "user-agent": id, "x-forwarded-for": id })),
  conditionalValues.map((value) => ({
    "if-match": value,
    "if-none-match": value,
    range: value,
  })),
  ["application/jsonl", "text/event-stream"].map((accept) => ({ "trpc-accept": accept, accept })),
  [{ "x-trpc-source": "__proto__", prefer: "return=minimal", forwarded: "for=a", te: "trailers" }],
].flat();

/** Raw paths after /trpc/, mostly malformed batches; the test replaces NAME with a procedure's name. */
export const trpcPaths: readonly string[] = [
  ["NAME?input=", "NAME?input", "NAME?input=%", "NAME?input={", "NAME?input=null"],
  ["NAME?input=[]", "NAME?input={}&input={}", "NAME?input[]={}", "NAME?input[a]=1"],
  ["NAME?input=undefined", "NAME?batch", "NAME?input=%22a%22", "NAME?input=%00"],
  ["NAME?input=%E0%A4%A", "NAME?input=1e400", "NAME?batch=1", "NAME?batch=1&input="],
  ["NAME?batch=1&input=[]", "NAME?batch=1&input={}", "NAME?batch=2"],
  ['NAME?batch=1&input={"0":null}', 'NAME?batch=1&input={"1":{}}', "NAME?batch=1&input=null"],
  ["NAME?batch=1&input=5", 'NAME?batch=1&input={"__proto__":{}}', "NAME,NAME?batch=1&input={}"],
  ["NAME,NAME", "NAME,?batch=1", ",NAME?batch=1", ",?batch=1", "NAME,nope?batch=1", "NAME,NAME,"],
  [",", "", ".", "..", "NAME/", "/NAME", "NAME//", "NAME.x", "x.NAME", "NAME%00", "%4eAME"],
  ["NAME%2Cauth.me", "constructor", "__proto__", "__proto__.x", "toString", "auth", "auth."],
  [".me", "auth..me", "auth/me", "%E0%A4%A", "%", "x".repeat(1000), "x".repeat(3000)],
  ["hasOwnProperty", "auth.__proto__", "auth.then"],
].flat();
