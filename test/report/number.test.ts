import { expect, test } from 'vitest';
import { formatApart, formatNumber, formatPaper, publishedDecimals } from '../../report/numbers/number.ts';
import { estimate, studentQuantile } from '../../report/numbers/statistics.ts';
import { cutText, padLeft, textWidth, wrapText } from '../../report/numbers/text-width.ts';

test('numbers have three digits below 100 and fewer decimals above', () => {
  const texts = [0, 1.9149, 9.996, 41.02, 99.949, 99.96, 801.72, 999.96, 2171.3, 99999, 123456, 0.0132, 0.00012, -2.5];
  expect(texts.map((value) => formatNumber(value))).toEqual([
    '0',
    '1.91',
    '10.0',
    '41.0',
    '99.9',
    '100.0',
    '801.7',
    '1000',
    '2171',
    '99999',
    '1.2e5',
    '0.0132',
    '1.2e-4',
    '-2.50',
  ]);
});

test('numbers of the paper keep the decimals that they were printed with', () => {
  expect(publishedDecimals([3, 2171.3, 4.8])).toBe(1);
  expect([3, 4.8, 801.7, 2171.3, 154262.4].map((value) => formatPaper(value, 1))).toEqual([
    '3.0',
    '4.8',
    '801.7',
    '2171',
    '1.5e5',
  ]);
});

test('numbers that differ never read the same beside each other', () => {
  expect(formatApart([2.7101, 2.7102])).toEqual(['2.7101', '2.7102']);
  expect(formatApart([2, 2])).toEqual(['2.00', '2.00']);
});

test('the quantile of Student t agrees with the tables', () => {
  // NIST/SEMATECH e-Handbook, table of critical values, two-sided 95 %: 4 -> 2.776, 40 -> 2.021, 100 -> 1.984
  expect([4, 40, 100].map((degrees) => Number(studentQuantile(degrees).toFixed(3)))).toEqual([2.776, 2.021, 1.984]);
});

test('one value has no interval', () => {
  expect(estimate([3])).toEqual({ mean: 3, half_width: null });
});

test('widths count terminal columns', () => {
  expect(['abc', '3→4', '層', 'e\u0301', '…', '👍'].map(textWidth)).toEqual([3, 3, 2, 1, 1, 2]);
  expect(cutText('層層層', 5)).toBe('層層…');
  expect(padLeft('層', 4)).toBe('  層');
});

test('text is wrapped at spaces with an indent', () => {
  expect(wrapText('one two three four', 9, '  ')).toEqual(['one two', '  three', '  four']);
});
