import { describe, expect, it } from "vitest";
import { plainText, shownText, spansOf, visibleLength } from "./ansi";

const E = "\u001b";

describe("what a terminal would show", () => {
  it("keeps the last version of an overwritten line, and tabs as spaces", () => {
    expect(shownText("10%\r20%\r30%")).toBe("30%");
    expect(shownText("with Windows' end\r")).toBe("with Windows' end");
    expect(shownText("a\tb\tc")).toBe("a       b       c");
    expect(shownText("only a tab\t|")).toBe("only a tab      |");
  });

  it("tells the sixteen colours, 256, true colours and weights apart", () => {
    expect(spansOf(`plain ${E}[1;31mbad${E}[0m ${E}[38;5;196mred${E}[39m ${E}[48;2;1;2;3mdeep${E}[m!`)).toEqual([
      { text: "plain ", style: null },
      { text: "bad", style: { bold: true, fg: 1 } },
      { text: " ", style: null },
      { text: "red", style: { fg: "rgb(255 0 0)" } },
      { text: " ", style: null },
      { text: "deep", style: { bg: "rgb(1 2 3)" } },
      { text: "!", style: null },
    ]);
    expect(spansOf(`${E}[92mbright${E}[22;39m x`)[0]?.style).toEqual({ fg: 10 });
  });

  it("leaves out cursor moves, titles, links and broken sequences", () => {
    expect(plainText(`${E}[2K${E}[1Ga${E}]0;title\u0007b${E}]8;;http://x${E}\\c${E}(Bd\u0000\u0007e${E}[`)).toBe("abcde");
    expect(visibleLength(`${E}[31mabc${E}[0m`)).toBe(3);
  });

  it("takes colours with nonsense in them as text styles at worst, never as markup or other CSS", () => {
    const [span] = spansOf(`${E}[38;2;999;-1;url(x)m<img src=x onerror=alert(1)>`).slice(-1);
    expect(span?.text).toContain("<img src=x onerror=alert(1)>");
    expect(JSON.stringify(spansOf(`${E}[38;2;999;5mx`))).toContain("rgb(255 5 0)");
  });
});
