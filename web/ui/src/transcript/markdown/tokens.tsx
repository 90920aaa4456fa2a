/** Tokens of Markdown as elements of the page. Never HTML: what is written as HTML is shown as it is written. */

import { Fragment } from "react";
import type { ReactNode } from "react";
import { Image, Square, SquareCheck } from "lucide-react";
import type { MarkedToken, Token, Tokens } from "marked";
import { useTexts } from "../../i18n/texts";
import { visible } from "../visible";
import { CodeBlock } from "./CodeBlock";
import { decoded } from "./entities";
import { languageOf } from "./fence";
import { safeLink } from "./links";

const HEADINGS = ["h3", "h4", "h5", "h6", "h6", "h6"] as const;

export function blocksView(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{blockView(token as MarkedToken)}</Fragment>);
}

function blockView(token: MarkedToken): ReactNode {
  switch (token.type) {
    case "paragraph":
      return <p dir="auto">{inlineView(token.tokens)}</p>;
    case "heading": {
      const Heading = HEADINGS[token.depth - 1] ?? "h6";
      return (
        <Heading className={`heading-${token.depth}`} dir="auto">
          {inlineView(token.tokens)}
        </Heading>
      );
    }
    case "code":
      return <CodeBlock code={token.text} language={languageOf(token.lang ?? "")} />;
    case "blockquote":
      return <blockquote>{blocksView(token.tokens)}</blockquote>;
    case "list":
      return <List list={token} />;
    case "table":
      return <Table table={token} />;
    case "hr":
      return <hr />;
    case "html":
      return <p className="as-written">{visible(token.raw.trimEnd())}</p>;
    case "space":
    case "def":
    case "checkbox":
      return null;
    case "text":
      return inlineView(token.tokens ?? [token]);
    default:
      return inlineView([token]);
  }
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, index) => <Item key={index} item={item} />);
  if (!list.ordered) return <ul className={list.items.some(({ task }) => task) ? "tasks" : undefined}>{items}</ul>;
  return <ol start={list.start === "" ? 1 : list.start}>{items}</ol>;
}

function Item({ item }: { item: Tokens.ListItem }) {
  const texts = useTexts().transcript;
  if (!item.task) return <li dir="auto">{blocksView(item.tokens)}</li>;
  const Mark = item.checked === true ? SquareCheck : Square;
  return (
    <li className="task" dir="auto">
      <Mark size={15} role="img" aria-label={item.checked === true ? texts.taskDone : texts.taskOpen} />
      <div>{blocksView(item.tokens)}</div>
    </li>
  );
}

function Table({ table }: { table: Tokens.Table }) {
  const texts = useTexts().transcript;
  return (
    <div className="table-frame" role="region" aria-label={texts.table} tabIndex={0}>
      <table>
        <thead>
          <tr>{table.header.map((cell, index) => cellView(cell, index, "th"))}</tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>{row.map((cell, column) => cellView(cell, column, "td"))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellView({ tokens, align }: Tokens.TableCell, key: number, Cell: "th" | "td") {
  return (
    <Cell key={key} data-align={align ?? undefined} dir="auto">
      {inlineView(tokens)}
    </Cell>
  );
}

function inlineView(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{spanView(token as MarkedToken)}</Fragment>);
}

function spanView(token: MarkedToken): ReactNode {
  switch (token.type) {
    case "text":
      return token.tokens === undefined ? decoded(token.text) : inlineView(token.tokens);
    case "escape":
      return token.text;
    case "strong":
      return <strong>{inlineView(token.tokens)}</strong>;
    case "em":
      return <em>{inlineView(token.tokens)}</em>;
    case "del":
      return <del>{inlineView(token.tokens)}</del>;
    case "codespan":
      return <code dir="ltr">{visible(token.text)}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link address={addressOf(token)}>{inlineView(token.tokens)}</Link>;
    case "image":
      return <ImageLink token={token} />;
    case "checkbox":
      return null;
    default:
      return token.raw;
  }
}

function addressOf({ href, autolink = false }: Pick<Tokens.Link, "href" | "autolink">): string {
  return autolink ? href : decoded(href);
}

/** What leads nowhere safe is its text, with the address behind it: nothing is lost, and nothing can be clicked. */
function Link({ address, children }: { address: string; children: ReactNode }) {
  const link = safeLink(address);
  if (link === null) {
    return (
      <span className="no-link" title={visible(address)}>
        {children}
      </span>
    );
  }
  return (
    <a href={link.href} title={link.to} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

/** A picture elsewhere is not fetched: who wrote the text would learn that it is read. */
function ImageLink({ token }: { token: Tokens.Image }) {
  const texts = useTexts().transcript;
  return (
    <Link address={addressOf(token)}>
      <Image size={14} aria-hidden="true" className="inline-icon" />
      {token.text === "" ? texts.picture : decoded(token.text)}
    </Link>
  );
}
