import { bodyOf, type Body, EMPTY, formOf, placeOf } from "./form";
import { commandLine, flagsSuffice } from "./command-line";
import { joinWords, quote, splitWords } from "./words";
import { readJob } from "./yaml-read";
import { yamlOf } from "./yaml-write";

const PLAIN: Body = { name: "train", definition: "debian:12", queue_id: "training", resource_requirements: { cpu_millicores: 1500, memory_mb: 4096 } };
const BODIES: Record<string, Body> = {
  plain: PLAIN,
  "a shell line": { ...PLAIN, command: ["sh", "-c", "echo 'it''s' \"$HOME\"\nexit 1"] },
  words: { ...PLAIN, command: ["python", "train.py", "--name", "it's", "", "a b", "$X"], args: ["--lr", "1e-3"] },
  everything: {
    ...PLAIN,
    definition: "",
    runtime: "process",
    command: ["true"],
    resource_requirements: { cpu_millicores: 2000, memory_mb: 1500, gpus: { count: 2, model: "A100 80GB", memory_gb: 40 } },
    size: { min: 2, max: 8 },
    kind: "elastic",
    env: { A: "yes", B: "1.10", C: "", "D-E": "x=y: #z" },
    labels: { team: "no" },
    node_selector: { zone: "a" },
    secrets: [{ name: "TOKEN", env: "TOKEN" }, { name: "key", env: "KEY" }, { name: "pem", file: "tls.pem" }],
    volumes: [{ name: "data", path: "/data", read_only: true }, { host_path: "/mnt/x", path: "/x" }],
    ports: [{ port: 8080 }, { port: 53, protocol: "udp" }, { port: 9000, name: "web" }],
    working_dir: "/work",
    time_limit_s: 5400,
    grace_s: 5,
    stop_signal: "SIGINT",
    priority: -3,
    retries: { node_lost: 1, error: 2 },
    array: "0-99%10",
    after: [{ job_id: "other", condition: "success" }, { job_id: "third", condition: "any" }],
    exclusive: true,
    preemptible: true,
    strict: true,
  },
  "no retries": { ...PLAIN, max_retries: 0 },
};

test.each(Object.entries(BODIES))("%s comes back from the form as it was", (_, body) => {
  expect(bodyOf(formOf(body))).toEqual({ body, errors: {} });
});

test.each(Object.entries(BODIES))("%s comes back from its YAML as it was", (_, body) => {
  const read = readJob(yamlOf(body, body.queue_id));
  expect(read.faults).toEqual([]);
  expect(bodyOf(formOf(read.body as Body)).body).toEqual(body);
});

test("texts in YAML are what was typed, and short forms are read", () => {
  const { body, faults } = readJob("name: 1.10\nimage: no\nqueue: q\nresources: {cpu: 0.5, memory: 2g, gpus: 1}\nenv: {A: on, B: 010}\nsize: 3\nvolumes: ['d:/d:ro']\n");
  expect(faults).toEqual([]);
  expect(body).toMatchObject({ name: "1.10", definition: "no", env: { A: "on", B: "010" }, size: { min: 3, max: 3 }, resource_requirements: { cpu_millicores: 500, memory_mb: 2048, gpus: { count: 1 } } });
});

test("mistakes in YAML are told all at once with their lines", () => {
  const { body, faults } = readJob("name: x\nimag: debian\nqueue: q\nresources:\n  cpu: two\n  memory: 1GiB\nstrict: yes\npriority: 010\nports: [http]\n");
  expect(body).toBeNull();
  expect(faults.map((fault) => `${fault.line}: ${fault.message}`)).toEqual([
    "1: image is missing: a job needs a Docker image, or `runtime: process`",
    "2: unknown key 'imag'; did you mean 'image'?",
    "5: resources.cpu must be cores such as 2 or 0.5, or 1500m, not 'two'",
    "7: strict: 'yes' is a text, not a truth value: write true or false",
    "8: priority: 010 begins with a zero: write 10",
    "9: ports[0] must be a port such as 8080 or 53/udp or a mapping, not 'http'",
  ]);
  expect(readJob("name: [x\n").faults[0]?.message).toMatch(/^not valid YAML/);
  expect(readJob("a: 1\na: 2\n").faults[0]).toMatchObject({ line: 2, message: "the key is here twice" });
  expect(readJob("").faults[0]?.message).toBe("there is no job here");
  expect(readJob("- a\n").faults[0]?.message).toMatch(/a job is a mapping/);
});

test("words are quoted for a shell and split again", () => {
  expect(quote("a-b_c.d/e:f=1,2@3%+")).toBe("a-b_c.d/e:f=1,2@3%+");
  expect(quote("it's $HOME")).toBe(`'it'"'"'s $HOME'`);
  for (const words of [["a", "b c"], ["", "'", '"', "\\", "\n"], ["$(rm -rf /)", "`x`"]]) expect(splitWords(joinWords(words))).toEqual(words);
  expect(splitWords(`a "b \\"c" d\\ e`)).toEqual(["a", 'b "c', "d e"]);
  expect([splitWords("'open"), splitWords('"open')]).toEqual([null, null]);
});

test("the command line says everything, or names the file", () => {
  expect(commandLine({ ...PLAIN, command: ["sh", "-c", "echo it's"], retries: { error: 2 }, env: { A: "b c" } }, "training")).toBe(
    [
      "lilac submit --non-interactive",
      "--name train",
      "--image debian:12",
      "--queue training",
      "--cpu 1500",
      "--memory 4096",
      "--retries error=2",
      "-e 'A=b c'",
      `--command='echo it'"'"'s'`,
    ].join(" \\\n  "),
  );
  expect(commandLine({ ...PLAIN, command: ["python", "x y"] }, "q")).toMatch(/-- python 'x y'$/);
  expect(flagsSuffice(BODIES.everything as Body)).toBe(false);
});

test("what cannot be read is told at its field", () => {
  const { errors } = bodyOf({ ...EMPTY, cpu: "two", size: "8:2", args: "'open", timeLimit: "soon", env: [["A", "1"], ["A", "2"]] });
  expect(Object.keys(errors).toSorted()).toEqual(["args", "cpu", "env", "size", "timeLimit"]);
  expect(["definition", "resource_requirements.memory_mb", "secrets.name", "size.min", "max_retries", "kind", null].map(placeOf)).toEqual(["image", "memory", "secrets", "size", "retries", null, null]);
});
