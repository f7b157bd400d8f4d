package org.simplepush.examples.benchmarks;

/**
 * A process that is killed and started again, on the same port and data, or hangs for a while. Used
 * by one thread.
 */
interface KillableProcess {
  /**
   * Starts it without waiting for it.
   *
   * @throws LoadException if that is not possible
   */
  void launch() throws LoadException;

  /**
   * Waits until it can be used.
   *
   * @throws LoadException if that does not happen
   */
  void awaitReady() throws LoadException, InterruptedException;

  /** Ends it as kill -9 does, and waits until it is gone. */
  void kill();

  /** Suspends it with all its sockets open, as SIGSTOP does. */
  void pause() throws LoadException;

  /** Resumes it, as SIGCONT does. */
  void resume() throws LoadException;
}
