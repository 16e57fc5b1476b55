package peer;

import com.aliyun.odps.OdpsException;
import java.util.Objects;

/** What a check demands; anything else ends the check with both sides in the text. */
final class Expect {
  interface Action {
    void run() throws Exception;
  }

  private Expect() {}

  static void same(String what, Object got, Object wanted) {
    if (!Objects.equals(got, wanted)) {
      throw new AssertionError(what + ": got " + shown(got) + ", wanted " + shown(wanted));
    }
  }

  static void that(String what, boolean holds) {
    if (!holds) {
      throw new AssertionError("not so: " + what);
    }
  }

  /** The service must refuse with this code, which the SDK must have understood. */
  static OdpsException refused(String code, Action action) {
    OdpsException error = odpsError(thrown(action));
    same("error code of " + error.getMessage(), error.getErrorCode(), code);
    return error;
  }

  /** The action must fail with this text in its message or in a cause's. */
  static Throwable fails(String text, Action action) {
    Throwable error = thrown(action);
    for (Throwable at = error; at != null; at = at.getCause()) {
      if (String.valueOf(at.getMessage()).contains(text)) {
        return error;
      }
    }
    throw new AssertionError("wanted an error with \"" + text + "\"", error);
  }

  private static Throwable thrown(Action action) {
    try {
      action.run();
    } catch (Exception error) {
      return error;
    }
    throw new AssertionError("was accepted, but must be refused");
  }

  private static OdpsException odpsError(Throwable error) {
    for (Throwable at = error; at != null; at = at.getCause()) {
      if (at instanceof OdpsException && ((OdpsException) at).getErrorCode() != null) {
        return (OdpsException) at;
      }
    }
    throw new AssertionError("an error without a code", error);
  }

  private static String shown(Object value) {
    String text = String.valueOf(value);
    return text.length() <= 400 ? text : text.substring(0, 400) + "... (" + text.length() + ")";
  }
}
