/** What the host answers instead of doing what it was asked for. */
export enum Code {
  /** no such key, result, secret or tool */
  NotFound = -1,
  /** the grant is missing */
  Denied = -2,
  /** not JSON, not UTF-8, or a value of the wrong type */
  Invalid = -3,
  /** a limit of the attempt is reached */
  TooLarge = -4,
  /** the host does not offer this call */
  Unavailable = -5,
  /** the server asked for did not answer properly */
  Unreachable = -6,
}

/** What a code means, for people. */
export function codeText(code: i32): string {
  switch (code) {
    case Code.NotFound: return "not found";
    case Code.Denied: return "denied: the grant is missing";
    case Code.Invalid: return "invalid argument";
    case Code.TooLarge: return "a limit of this attempt is reached";
    case Code.Unreachable: return "the server did not answer properly";
    default: return "the host does not offer this call";
  }
}
