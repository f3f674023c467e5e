/** Words of a command line, quoted and split as a POSIX shell does. */

/** The word as it is typed in a shell. */
export function quote(word: string): string {
  return word !== "" && /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

export function joinWords(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

/** The words of a text, without any expansion; null if a quote is not closed. */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return null;
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      word ??= "";
      for (at++; text[at] !== '"'; at++) {
        if (at >= text.length) return null;
        if (text[at] === "\\" && /["\\$`\n]/.test(text[at + 1] ?? "")) at++;
        word += text[at];
      }
    } else if (char === "\\") {
      if (at + 1 >= text.length) return null;
      word = (word ?? "") + text[++at];
    } else {
      word = (word ?? "") + char;
    }
  }
  if (word !== null) words.push(word);
  return words;
}
