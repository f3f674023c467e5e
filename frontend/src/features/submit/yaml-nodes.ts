/**
 * YAML as nodes with their places, by the rules of `lilac submit -f`: a text is what was typed, whatever it looks like
 * (`no`, `1.10`), and only `true` and `false` are truth values.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseAllDocuments, type Scalar, type YAMLMap } from "yaml";

export interface Fault {
  line: number;
  column: number;
  message: string;
}

/** One document, read as texts, with the mistakes found so far. */
export class Source {
  readonly faults: Fault[] = [];
  readonly root: Node | null;
  private readonly lines = new LineCounter();
  private readonly document: Document | null;

  constructor(text: string) {
    const documents = parseAllDocuments(text, { schema: "failsafe", lineCounter: this.lines, uniqueKeys: true });
    const found = Array.isArray(documents) ? documents.filter((each) => each.errors.length > 0 || !isNothing(each.contents as Node | null)) : [];
    for (const error of found.flatMap((each) => each.errors)) this.fault(error.pos[0], syntax(error.code, error.message));
    this.document = found[0] ?? null;
    this.root = (this.document?.contents as Node | null | undefined) ?? null;
    if (found.length > 1) this.fault(found[1]?.range[0] ?? 0, "the form holds one job; submit files of several by lilac submit -f");
    if (found.length === 0) this.fault(0, "there is no job here");
  }

  at(node: Node | null, message: string): undefined {
    this.fault(node?.range?.[0] ?? this.root?.range?.[0] ?? 0, message);
    return undefined;
  }

  /** The node itself, where an alias stands for it. */
  resolve(node: unknown): Node | null {
    if (isAlias(node)) return (this.document && node.resolve(this.document)) ?? null;
    return (node as Node | null) ?? null;
  }

  /** Keys with their nodes and values; `<<` merges another mapping, whose keys count where there are no own ones. */
  *pairs(map: YAMLMap, depth = 0): Generator<[key: string, keyNode: Node, value: Node | null]> {
    const seen = new Set<string>();
    const merged: YAMLMap[] = [];
    for (const pair of map.items as Pair<unknown, unknown>[]) {
      const key = this.resolve(pair.key);
      const value = this.resolve(pair.value);
      const name = textOf(key);
      if (name === null) this.at(key, "a key must be a text");
      else if (name === "<<" && isMap(value) && depth < 20) merged.push(value);
      else {
        seen.add(name);
        yield [name, key as Node, value];
      }
    }
    for (const source of merged) for (const entry of this.pairs(source, depth + 1)) if (!seen.has(entry[0])) yield entry;
  }

  private fault(offset: number, message: string): void {
    const { line, col } = this.lines.linePos(offset);
    this.faults.push({ line: Math.max(line, 1), column: Math.max(col, 1), message });
  }
}

function syntax(code: string, message: string): string {
  const plain = message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? code;
  if (code === "DUPLICATE_KEY") return "the key is here twice";
  return `not valid YAML: ${code === "TAB_AS_INDENT" ? "indent with blanks, not with tabs" : plain}`;
}

export const isPlain = (node: Node | null): node is Scalar<string> => isScalar(node) && node.type === "PLAIN";

export function isNothing(node: Node | null): boolean {
  return node === null || (isScalar(node) && (node.type === undefined || node.type === "PLAIN") && ["", "~", "null", "Null", "NULL"].includes(String(node.value ?? "")));
}

/** The characters that were typed; null where that is no text. */
export function textOf(node: Node | null): string | null {
  return isScalar(node) && !isNothing(node) ? String(node.value) : null;
}

/** What a node is, in a sentence. */
export function kindOf(node: Node | null): string {
  if (isNothing(node)) return "nothing";
  if (isMap(node)) return "a mapping";
  if (isSeq(node)) return "a list";
  const text = textOf(node) ?? "";
  return isPlain(node) && /^(true|false)$/i.test(text) ? `the truth value ${text}` : `'${text.slice(0, 60)}'`;
}
