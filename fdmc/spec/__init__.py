from ._economics import Amount as Amount, Economics as Economics
from ._economics_units import money as money
from ._heat import (
    EFFECTS as EFFECTS,
    ConstantLoad as ConstantLoad,
    Cycling as Cycling,
    Drive as Drive,
    Effect as Effect,
    Excursion as Excursion,
    Link as Link,
    Load as Load,
    MachZehnderLink as MachZehnderLink,
    MarkovLoad as MarkovLoad,
    Mechanism as Mechanism,
    NoisyLoad as NoisyLoad,
    RingLink as RingLink,
    SquareLoad as SquareLoad,
    Stops as Stops,
    Thermal as Thermal,
    VcselLink as VcselLink,
)
from ._law import (
    Competing as Competing,
    Exponential as Exponential,
    Fixed as Fixed,
    Gamma as Gamma,
    Law as Law,
    LogNormal as LogNormal,
    Weibull as Weibull,
)
from ._load import load as load
from ._manufacturing import (
    AssemblyStep as AssemblyStep,
    BurnInMade as BurnInMade,
    DefectClustering as DefectClustering,
    DefectLaw as DefectLaw,
    DefectLayer as DefectLayer,
    JoiningMade as JoiningMade,
    LaneHarm as LaneHarm,
    LaneMaking as LaneMaking,
    LatentDefects as LatentDefects,
    Manufacturing as Manufacturing,
    Mount as Mount,
    PartMade as PartMade,
    RingAtTest as RingAtTest,
    TestModel as TestModel,
    WaferCut as WaferCut,
)
from ._model import (
    Checkpoint as Checkpoint,
    Collective as Collective,
    Component as Component,
    Environment as Environment,
    Fabric as Fabric,
    Group as Group,
    Leaving as Leaving,
    Parallel as Parallel,
    Policy as Policy,
    Reconfigure as Reconfigure,
    Restart as Restart,
    Rule as Rule,
    Scheduled as Scheduled,
    Service as Service,
    Step as Step,
    Structure as Structure,
    Unit as Unit,
    Windows as Windows,
    Workload as Workload,
)
from ._problem import Problem as Problem, ScenarioError as ScenarioError
from ._roles import role_of as role_of
from ._scenario import Scenario as Scenario, resolve_rule as resolve_rule
from ._schema import schema as schema
from ._sizing import (
    Limit as Limit,
    Option as Option,
    Setting as Setting,
    Sizing as Sizing,
    Variable as Variable,
)
from ._structure import cut_sets as cut_sets, events as events, gates as gates
from ._tree import Node as Node, Tree as Tree
from ._units import QuantityError as QuantityError
