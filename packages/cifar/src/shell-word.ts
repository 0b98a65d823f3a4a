/** Written as they are in every shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** What a terminal obeys instead of showing it, or shows in another order. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * A path as it can be pasted into a shell, in quotes where it needs them; control characters in it are never written as
 * they are.
 */
export function shellWord(word: string, platform: string = process.platform): string {
  // The backslash of Windows' paths is none of the shell's there, and names cannot hold double quotes or control characters.
  if (platform === "win32") return /^[\w@+=:,./\\-]+$/.test(word) ? word : `"${word}"`;
  if (PLAIN.test(word)) return word;
  // bash, zsh and ksh read escapes in $'…'.
  if (word.search(UNPRINTABLE) >= 0) {
    const escaped = word.replaceAll(/['\\]/g, "\\$&").replaceAll(UNPRINTABLE, (character) => {
      // A character beyond ASCII is several bytes, and an escape is one.
      return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    });
    return `$'${escaped}'`;
  }
  return `'${word.replaceAll("'", "'\\''")}'`;
}
