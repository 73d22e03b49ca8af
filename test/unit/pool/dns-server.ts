// dns-server.ts: a name server on a loopback port that says what a test tells it to.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';
import { type AddressInfo, isIPv6 } from 'node:net';
import type { Test } from 'tap';
import type { DnsClient } from '../../../src/pool/dns.ts';

export type DnsRecord =
  | { readonly address: string; readonly ttl: number }
  | { readonly target: string; readonly port: number; readonly priority: number; readonly ttl: number };

/** What is said to one question; `silence` says nothing. */
export type DnsReply = readonly DnsRecord[] | 'SERVFAIL' | 'NXDOMAIN' | 'silence';

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' };
const CODES = { SERVFAIL: 2, NXDOMAIN: 3 };

/** Replies are keyed by `TYPE name`; a question without one gets an empty answer. */
export async function startDnsServer(t: Test) {
  const replies = new Map<string, DnsReply>();
  const asked: string[] = [];
  const socket = createSocket('udp4', (query, from) => {
    const { name, type, end } = questionOf(query);
    const question = `${TYPES[type] ?? type} ${name}`;
    asked.push(question);
    const reply = replies.get(question) ?? [];
    if (reply !== 'silence') socket.send(answerTo(query.subarray(0, end), reply), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  const servers = new Resolver({ timeout: 100, tries: 1 });
  servers.setServers([`127.0.0.1:${(socket.address() as AddressInfo).port}`]);
  const client: DnsClient = {
    servers,
    askSystem: () => Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' })),
  };
  return { replies, asked, client };
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** `query` ends with its question. */
function answerTo(query: Buffer, reply: readonly DnsRecord[] | 'SERVFAIL' | 'NXDOMAIN'): Buffer {
  const head = Buffer.from(query);
  const records = typeof reply === 'string' ? [] : reply;
  head.writeUInt16BE(0x8180 | (typeof reply === 'string' ? CODES[reply] : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...records.map(encode)]);
}

function encode(record: DnsRecord): Buffer {
  const [type, data] = 'address' in record ? (isIPv6(record.address) ? [28, ipv6Bytes(record.address)] : [1, Buffer.from(record.address.split('.').map(Number))]) : [33, service(record)];
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function words(part: string): number[] {
  return part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
}

function ipv6Bytes(address: string): Buffer {
  const [before = '', after = ''] = address.split('::');
  const bytes = Buffer.alloc(16);
  for (const [i, word] of words(before).entries()) bytes.writeUInt16BE(word, i * 2);
  for (const [i, word] of words(after).toReversed().entries()) bytes.writeUInt16BE(word, 14 - i * 2);
  return bytes;
}

function service(record: { target: string; port: number; priority: number }): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(record.priority, 0);
  head.writeUInt16BE(record.port, 4);
  const labels = record.target.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([head, ...labels, Buffer.from([0])]);
}
