/** What a JSON Merge Patch (RFC 7386) makes of an object. Objects that do not change stay the same objects. */
export function applied(before, patch) {
  const after = { ...before };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete after[name];
    else if (isObject(value)) after[name] = applied(isObject(after[name]) ? after[name] : {}, value);
    else after[name] = value;
  }
  return after;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
