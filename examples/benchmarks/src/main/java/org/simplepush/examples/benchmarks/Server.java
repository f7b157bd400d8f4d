package org.simplepush.examples.benchmarks;

/** The server under test. */
record Server(Target target, ServerProbe probe) {}
