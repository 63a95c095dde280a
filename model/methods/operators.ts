// What a method's mathematics is written in: TensorFlow.js computes it, the ONNX exporter records it, and both do the same.

/** A few operators on values of one kind, `V`: tensors, or names in a graph. */
export interface MatrixOperators<V> {
  /** a b, either one transposed where it says so; both have two axes. */
  matMul(a: V, b: V, transposeA?: boolean, transposeB?: boolean): V;
  add(a: V, b: V): V;
  /** Element by element, equal shapes. */
  mul(a: V, b: V): V;
  /** float32 of what a graph may hold in fewer bits, and back to what it computes in. */
  widened(value: V): V;
  narrowed(value: V): V;
}

/** The stored matrix W [out, in] that a method works on. */
export interface Product<V> {
  /** What the product sees of x [n, in]; x itself where activations are not rounded. */
  input(x: V): V;
  /** x [n, in] times W^T -> [n, out]; x as `input` gave it. */
  times(x: V): V;
  /** W itself [out, in]. */
  whole(): V;
}

/** The parameters of one matrix of one layer, by name. */
export interface MatrixParameters<V> {
  get(name: string): V;
  /** x times the scalar `name`. */
  scaled(x: V, name: string): V;
}
